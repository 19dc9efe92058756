-- The guards of the storefront's users again (docs/safe-cleanup.md), as `npm run guards:sql` prints them now: no policy
-- that the role can take down leaves a table open, no old snapshot gets past a trigger, and each table has a seal.
create schema if not exists muster_guards;--> statement-breakpoint
revoke all on schema muster_guards from public;--> statement-breakpoint
grant usage on schema muster_guards to muster_test_data;--> statement-breakpoint
create or replace function muster_guards.refuse_row() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$
begin
  raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$guard$;--> statement-breakpoint
create or replace function muster_guards.rows_of_public_carts() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception '% may write to %.% in READ COMMITTED only', session_user, tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'INSERT' then
    if (new.user_id is null or exists (select from public.users p1 where p1.id = new.user_id and p1.is_test_user is not true)) then
      raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if (old.user_id is null or exists (select from public.users p1 where p1.id = old.user_id and p1.is_test_user is not true)) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if exists (select from public.users p1 where p1.id = new.user_id and p1.is_test_user is not true) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$guard$;--> statement-breakpoint
create or replace function muster_guards.rows_of_public_orders() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception '% may write to %.% in READ COMMITTED only', session_user, tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'INSERT' then
    if (new.user_id is null or exists (select from public.users p1 where p1.id = new.user_id and p1.is_test_user is not true)) then
      raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if (old.user_id is null or exists (select from public.users p1 where p1.id = old.user_id and p1.is_test_user is not true)) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if exists (select from public.users p1 where p1.id = new.user_id and p1.is_test_user is not true) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$guard$;--> statement-breakpoint
create or replace function muster_guards.rows_of_public_sessions() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception '% may write to %.% in READ COMMITTED only', session_user, tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'INSERT' then
    if (new.user_id is null or exists (select from public.users p1 where p1.id = new.user_id and p1.is_test_user is not true)) then
      raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if (old.user_id is null or exists (select from public.users p1 where p1.id = old.user_id and p1.is_test_user is not true)) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if exists (select from public.users p1 where p1.id = new.user_id and p1.is_test_user is not true) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$guard$;--> statement-breakpoint
create or replace function muster_guards.rows_of_public_cart_items() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception '% may write to %.% in READ COMMITTED only', session_user, tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  perform from public.carts p1 where p1.id = old.cart_id for share of p1;
  perform from public.carts p1 where p1.id = new.cart_id for share of p1;
  if tg_op = 'INSERT' then
    if (new.cart_id is null or exists (select from public.carts p1 where p1.id = new.cart_id and (p1.user_id is null or exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user is not true)))) then
      raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if (old.cart_id is null or exists (select from public.carts p1 where p1.id = old.cart_id and (p1.user_id is null or exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user is not true)))) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if exists (select from public.carts p1 where p1.id = new.cart_id and (p1.user_id is null or exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user is not true))) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$guard$;--> statement-breakpoint
create or replace function muster_guards.rows_of_public_order_lines() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception '% may write to %.% in READ COMMITTED only', session_user, tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  perform from public.orders p1 where p1.id = old.order_id for share of p1;
  perform from public.orders p1 where p1.id = new.order_id for share of p1;
  if tg_op = 'INSERT' then
    if (new.order_id is null or exists (select from public.orders p1 where p1.id = new.order_id and (p1.user_id is null or exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user is not true)))) then
      raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if (old.order_id is null or exists (select from public.orders p1 where p1.id = old.order_id and (p1.user_id is null or exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user is not true)))) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if exists (select from public.orders p1 where p1.id = new.order_id and (p1.user_id is null or exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user is not true))) then
    raise exception '% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$guard$;--> statement-breakpoint
create or replace function muster_guards.markers_stay() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$
begin
  raise exception 'The markers of a row in %.% cannot be changed', tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$guard$;--> statement-breakpoint
create or replace function muster_guards.no_truncate() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$
begin
  raise exception '% may not truncate %.%', session_user, tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$guard$;--> statement-breakpoint
create or replace function muster_guards.is_other_session() returns boolean language sql immutable set search_path = pg_catalog, pg_temp as $guard$select session_user <> 'muster_test_data'$guard$;--> statement-breakpoint
grant execute on function muster_guards.is_other_session() to public;--> statement-breakpoint
grant usage on schema public to muster_test_data;--> statement-breakpoint
revoke all on public.users from muster_test_data;--> statement-breakpoint
grant select, insert, delete on public.users to muster_test_data;--> statement-breakpoint
grant update (username, email, password_hash, role, custom_attributes, created_at, updated_at, modified_xid) on public.users to muster_test_data;--> statement-breakpoint
alter table public.users enable row level security;--> statement-breakpoint
alter table public.users force row level security;--> statement-breakpoint
drop policy if exists muster_guard_open on public.users;--> statement-breakpoint
create policy muster_guard_open on public.users as permissive for all to public using (muster_guards.is_other_session()) with check (muster_guards.is_other_session());--> statement-breakpoint
drop policy if exists muster_guard_seen on public.users;--> statement-breakpoint
create policy muster_guard_seen on public.users as permissive for all to current_user, muster_test_data using (true) with check (true);--> statement-breakpoint
drop policy if exists muster_guard on public.users;--> statement-breakpoint
create policy muster_guard on public.users as restrictive for all to muster_test_data using (public.users.is_test_user) with check (public.users.is_test_user);--> statement-breakpoint
create or replace trigger muster_guard_insert before insert on public.users for each row when (session_user = 'muster_test_data' and new.is_test_user is not true) execute function muster_guards.refuse_row();--> statement-breakpoint
alter table public.users enable always trigger muster_guard_insert;--> statement-breakpoint
create or replace trigger muster_guard_update before update on public.users for each row when (session_user = 'muster_test_data' and (old.is_test_user is not true or new.is_test_user is not true)) execute function muster_guards.refuse_row();--> statement-breakpoint
alter table public.users enable always trigger muster_guard_update;--> statement-breakpoint
create or replace trigger muster_guard_delete before delete on public.users for each row when (session_user = 'muster_test_data' and old.is_test_user is not true) execute function muster_guards.refuse_row();--> statement-breakpoint
alter table public.users enable always trigger muster_guard_delete;--> statement-breakpoint
create or replace trigger muster_guard_truncate before truncate on public.users for each statement when (session_user = 'muster_test_data') execute function muster_guards.no_truncate();--> statement-breakpoint
alter table public.users enable always trigger muster_guard_truncate;--> statement-breakpoint
create or replace trigger muster_guard_markers before update on public.users for each row when (old.is_test_user is distinct from new.is_test_user or old.test_batch_id is distinct from new.test_batch_id or old.created_by_bulk is distinct from new.created_by_bulk) execute function muster_guards.markers_stay();--> statement-breakpoint
alter table public.users enable always trigger muster_guard_markers;--> statement-breakpoint
grant usage on schema public to muster_test_data;--> statement-breakpoint
revoke all on public.carts from muster_test_data;--> statement-breakpoint
grant select, delete on public.carts to muster_test_data;--> statement-breakpoint
alter table public.carts enable row level security;--> statement-breakpoint
alter table public.carts force row level security;--> statement-breakpoint
drop policy if exists muster_guard_open on public.carts;--> statement-breakpoint
create policy muster_guard_open on public.carts as permissive for all to public using (muster_guards.is_other_session()) with check (muster_guards.is_other_session());--> statement-breakpoint
drop policy if exists muster_guard_seen on public.carts;--> statement-breakpoint
create policy muster_guard_seen on public.carts as permissive for all to current_user, muster_test_data using (true) with check (true);--> statement-breakpoint
drop policy if exists muster_guard on public.carts;--> statement-breakpoint
create policy muster_guard on public.carts as restrictive for all to muster_test_data using (exists (select from public.users p1 where p1.id = public.carts.user_id and p1.is_test_user)) with check (exists (select from public.users p1 where p1.id = public.carts.user_id and p1.is_test_user));--> statement-breakpoint
create or replace trigger muster_guard before insert or update or delete on public.carts for each row when (session_user = 'muster_test_data') execute function muster_guards.rows_of_public_carts();--> statement-breakpoint
alter table public.carts enable always trigger muster_guard;--> statement-breakpoint
create or replace trigger muster_guard_truncate before truncate on public.carts for each statement when (session_user = 'muster_test_data') execute function muster_guards.no_truncate();--> statement-breakpoint
alter table public.carts enable always trigger muster_guard_truncate;--> statement-breakpoint
grant usage on schema public to muster_test_data;--> statement-breakpoint
revoke all on public.orders from muster_test_data;--> statement-breakpoint
grant select, delete on public.orders to muster_test_data;--> statement-breakpoint
alter table public.orders enable row level security;--> statement-breakpoint
alter table public.orders force row level security;--> statement-breakpoint
drop policy if exists muster_guard_open on public.orders;--> statement-breakpoint
create policy muster_guard_open on public.orders as permissive for all to public using (muster_guards.is_other_session()) with check (muster_guards.is_other_session());--> statement-breakpoint
drop policy if exists muster_guard_seen on public.orders;--> statement-breakpoint
create policy muster_guard_seen on public.orders as permissive for all to current_user, muster_test_data using (true) with check (true);--> statement-breakpoint
drop policy if exists muster_guard on public.orders;--> statement-breakpoint
create policy muster_guard on public.orders as restrictive for all to muster_test_data using (exists (select from public.users p1 where p1.id = public.orders.user_id and p1.is_test_user)) with check (exists (select from public.users p1 where p1.id = public.orders.user_id and p1.is_test_user));--> statement-breakpoint
create or replace trigger muster_guard before insert or update or delete on public.orders for each row when (session_user = 'muster_test_data') execute function muster_guards.rows_of_public_orders();--> statement-breakpoint
alter table public.orders enable always trigger muster_guard;--> statement-breakpoint
create or replace trigger muster_guard_truncate before truncate on public.orders for each statement when (session_user = 'muster_test_data') execute function muster_guards.no_truncate();--> statement-breakpoint
alter table public.orders enable always trigger muster_guard_truncate;--> statement-breakpoint
grant usage on schema public to muster_test_data;--> statement-breakpoint
revoke all on public.sessions from muster_test_data;--> statement-breakpoint
grant select, delete on public.sessions to muster_test_data;--> statement-breakpoint
alter table public.sessions enable row level security;--> statement-breakpoint
alter table public.sessions force row level security;--> statement-breakpoint
drop policy if exists muster_guard_open on public.sessions;--> statement-breakpoint
create policy muster_guard_open on public.sessions as permissive for all to public using (muster_guards.is_other_session()) with check (muster_guards.is_other_session());--> statement-breakpoint
drop policy if exists muster_guard_seen on public.sessions;--> statement-breakpoint
create policy muster_guard_seen on public.sessions as permissive for all to current_user, muster_test_data using (true) with check (true);--> statement-breakpoint
drop policy if exists muster_guard on public.sessions;--> statement-breakpoint
create policy muster_guard on public.sessions as restrictive for all to muster_test_data using (exists (select from public.users p1 where p1.id = public.sessions.user_id and p1.is_test_user)) with check (exists (select from public.users p1 where p1.id = public.sessions.user_id and p1.is_test_user));--> statement-breakpoint
create or replace trigger muster_guard before insert or update or delete on public.sessions for each row when (session_user = 'muster_test_data') execute function muster_guards.rows_of_public_sessions();--> statement-breakpoint
alter table public.sessions enable always trigger muster_guard;--> statement-breakpoint
create or replace trigger muster_guard_truncate before truncate on public.sessions for each statement when (session_user = 'muster_test_data') execute function muster_guards.no_truncate();--> statement-breakpoint
alter table public.sessions enable always trigger muster_guard_truncate;--> statement-breakpoint
grant usage on schema public to muster_test_data;--> statement-breakpoint
revoke all on public.cart_items from muster_test_data;--> statement-breakpoint
grant select, delete on public.cart_items to muster_test_data;--> statement-breakpoint
alter table public.cart_items enable row level security;--> statement-breakpoint
alter table public.cart_items force row level security;--> statement-breakpoint
drop policy if exists muster_guard_open on public.cart_items;--> statement-breakpoint
create policy muster_guard_open on public.cart_items as permissive for all to public using (muster_guards.is_other_session()) with check (muster_guards.is_other_session());--> statement-breakpoint
drop policy if exists muster_guard_seen on public.cart_items;--> statement-breakpoint
create policy muster_guard_seen on public.cart_items as permissive for all to current_user, muster_test_data using (true) with check (true);--> statement-breakpoint
drop policy if exists muster_guard on public.cart_items;--> statement-breakpoint
create policy muster_guard on public.cart_items as restrictive for all to muster_test_data using (exists (select from public.carts p1 where p1.id = public.cart_items.cart_id and exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user))) with check (exists (select from public.carts p1 where p1.id = public.cart_items.cart_id and exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user)));--> statement-breakpoint
create or replace trigger muster_guard before insert or update or delete on public.cart_items for each row when (session_user = 'muster_test_data') execute function muster_guards.rows_of_public_cart_items();--> statement-breakpoint
alter table public.cart_items enable always trigger muster_guard;--> statement-breakpoint
create or replace trigger muster_guard_truncate before truncate on public.cart_items for each statement when (session_user = 'muster_test_data') execute function muster_guards.no_truncate();--> statement-breakpoint
alter table public.cart_items enable always trigger muster_guard_truncate;--> statement-breakpoint
grant usage on schema public to muster_test_data;--> statement-breakpoint
revoke all on public.order_lines from muster_test_data;--> statement-breakpoint
grant select, delete on public.order_lines to muster_test_data;--> statement-breakpoint
alter table public.order_lines enable row level security;--> statement-breakpoint
alter table public.order_lines force row level security;--> statement-breakpoint
drop policy if exists muster_guard_open on public.order_lines;--> statement-breakpoint
create policy muster_guard_open on public.order_lines as permissive for all to public using (muster_guards.is_other_session()) with check (muster_guards.is_other_session());--> statement-breakpoint
drop policy if exists muster_guard_seen on public.order_lines;--> statement-breakpoint
create policy muster_guard_seen on public.order_lines as permissive for all to current_user, muster_test_data using (true) with check (true);--> statement-breakpoint
drop policy if exists muster_guard on public.order_lines;--> statement-breakpoint
create policy muster_guard on public.order_lines as restrictive for all to muster_test_data using (exists (select from public.orders p1 where p1.id = public.order_lines.order_id and exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user))) with check (exists (select from public.orders p1 where p1.id = public.order_lines.order_id and exists (select from public.users p2 where p2.id = p1.user_id and p2.is_test_user)));--> statement-breakpoint
create or replace trigger muster_guard before insert or update or delete on public.order_lines for each row when (session_user = 'muster_test_data') execute function muster_guards.rows_of_public_order_lines();--> statement-breakpoint
alter table public.order_lines enable always trigger muster_guard;--> statement-breakpoint
create or replace trigger muster_guard_truncate before truncate on public.order_lines for each statement when (session_user = 'muster_test_data') execute function muster_guards.no_truncate();--> statement-breakpoint
alter table public.order_lines enable always trigger muster_guard_truncate;--> statement-breakpoint
drop view if exists muster_guards.taken_names;--> statement-breakpoint
create view muster_guards.taken_names as select id as id, username as username, email as email, test_batch_id as batch_id from public.users;--> statement-breakpoint
revoke all on muster_guards.taken_names from public, muster_test_data;--> statement-breakpoint
grant select on muster_guards.taken_names to muster_test_data;--> statement-breakpoint
do $seal$
declare
  path constant text := current_setting('search_path');
  guarded record;
begin
  perform set_config('search_path', 'pg_catalog', true);
  for guarded in select * from (values ('public.users', '9be3c8666e26c341'), ('public.carts', 'a3eaf457b53957a7'), ('public.orders', '6987ea28778f6efd'), ('public.sessions', '4b718633c73e0cf9'), ('public.cart_items', 'ecff7e772f774dc3'), ('public.order_lines', '332354b5863df4f8')) as sealed (name, generated) loop
    execute format('comment on policy muster_guard on %s is %L', guarded.name,
      guarded.generated || ' ' || md5(concat_ws(E'\n', pg_get_functiondef(to_regprocedure('muster_guards.is_other_session()')), (
    select string_agg(pg_get_triggerdef(g.oid) || pg_get_functiondef(g.tgfoid), E'\n' order by g.tgname)
    from pg_trigger g where g.tgrelid = guarded.name::regclass and g.tgname ~ '^muster_guard'
  ), (
    select string_agg(concat_ws(' ', p.polname, p.polpermissive, p.polcmd, (
        select string_agg(coalesce(r.rolname, 'public'), ',' order by r.rolname)
        from unnest(p.polroles) as m (oid) left join pg_roles r on r.oid = m.oid
      ), pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), E'\n' order by p.polname)
    from pg_policy p where p.polrelid = guarded.name::regclass and p.polname ~ '^muster_guard'
  ))));
  end loop;
  perform set_config('search_path', path, true);
end
$seal$;--> statement-breakpoint
-- Of the schema `muster` the role needs two tables, and of those no more than this.
revoke all on all tables in schema muster from muster_test_data;--> statement-breakpoint
alter default privileges in schema muster revoke all on tables from muster_test_data;--> statement-breakpoint
grant select, insert, update on muster.bulk_chunks to muster_test_data;--> statement-breakpoint
grant select, insert, delete on muster.bulk_failures to muster_test_data;
