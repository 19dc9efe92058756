#!/bin/sh
# Run once by the postgres image, on an empty volume. Makes the two databases, each with a role that owns it and is let
# into no other: Muster's processes are no superuser, and the storefront has nothing to do with Muster's database. The
# superuser is left without a password, so that it can be reached inside the container only:
# docker compose exec postgres psql -U postgres.
set -eu

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set password="$POSTGRES_PASSWORD" \
  --set application_password="$APP_DATABASE_PASSWORD" --set test_data_password="$TEST_DATA_PASSWORD" <<'SQL'
create role muster login password :'password';
create role storefront login password :'application_password';
-- What it may do is said by the migrations (docs/safe-cleanup.md).
create role muster_test_data login noinherit password :'test_data_password';
create database muster owner muster;
create database storefront owner storefront;
revoke connect, temporary on database muster, storefront from public;
grant connect on database storefront to muster_test_data;
alter role current_user password null;
SQL
