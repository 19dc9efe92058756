-- Muster's ledger in the database of an application that is not the storefront, and the role that writes to its users:
-- for its administrator to review and run, before the guards (npm run guards:sql). May be run again.
-- The storefront's database has all of it by migration; `infra/examples/other-app` shows the rest.
create schema if not exists muster;

create table if not exists muster.bulk_chunks (
  batch_id uuid not null,
  chunk_index integer not null,
  first_id integer not null,
  size integer not null,
  status text not null default 'pending',
  epoch integer not null default 0,
  worker text,
  created_count integer not null default 0,
  failed_count integer not null default 0,
  started_at timestamp (3) with time zone,
  finished_at timestamp (3) with time zone,
  cleaned_rows jsonb,
  gone_count integer not null default 0,
  user_keys text[] not null default '{}',
  constraint bulk_chunks_batch_id_chunk_index_pk primary key (batch_id, chunk_index),
  constraint bulk_chunks_counts check (created_count + failed_count <= size),
  constraint bulk_chunks_status
    check (status in ('pending', 'running', 'done', 'cancelled', 'rolled_back', 'cleaned'))
);
alter table muster.bulk_chunks alter column user_keys set storage external;
alter table muster.bulk_chunks add column if not exists refusal jsonb;

create table if not exists muster.bulk_failures (
  batch_id uuid not null,
  index integer not null,
  chunk_index integer not null,
  username text not null,
  code text not null,
  detail text not null,
  constraint bulk_failures_batch_id_index_pk primary key (batch_id, index),
  foreign key (batch_id, chunk_index) references muster.bulk_chunks (batch_id, chunk_index) on delete cascade
);
create index if not exists bulk_failures_chunk on muster.bulk_failures (batch_id, chunk_index);

do $$
begin
  if not exists (select from pg_roles where rolname = 'muster_test_data') then
    create role muster_test_data nologin noinherit;
  end if;
end
$$;
-- Then: alter role muster_test_data login password '...', the one in TEST_DATA_DATABASE_URL.
grant usage on schema public, muster to muster_test_data;
revoke all on all tables in schema muster from muster_test_data;
alter default privileges in schema muster revoke all on tables from muster_test_data;
grant select, insert, update on muster.bulk_chunks to muster_test_data;
grant select, insert, delete on muster.bulk_failures to muster_test_data;
