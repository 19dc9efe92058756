-- What Muster needs besides: which users are test users, and of which batch. All users that are there stay production.
alter table account
  add column is_test_user boolean not null default false,
  add column test_batch_id uuid,
  add constraint account_test_markers check (is_test_user = (test_batch_id is not null));
create index account_test_batch on account (test_batch_id, account_id) where test_batch_id is not null;
