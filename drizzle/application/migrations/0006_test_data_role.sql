-- The role over which Muster writes to the application's users (docs/safe-cleanup.md): it owns nothing and may do
-- nothing but this. It belongs to the whole server, so another database may have made it, this very instant too.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'muster_test_data') THEN
    CREATE ROLE muster_test_data NOLOGIN NOINHERIT;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'The role muster_test_data is missing, and % may not create it', current_user
      USING ERRCODE = 'insufficient_privilege',
        HINT = 'As a superuser: create role muster_test_data login noinherit password ''...''';
END
$$;--> statement-breakpoint
GRANT USAGE ON SCHEMA public, muster TO muster_test_data;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA muster TO muster_test_data;--> statement-breakpoint
ALTER DEFAULT PRIVILEGES IN SCHEMA muster GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO muster_test_data;--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON users TO muster_test_data;--> statement-breakpoint
GRANT UPDATE (username, email, password_hash, role, custom_attributes, updated_at) ON users TO muster_test_data;--> statement-breakpoint
GRANT SELECT, DELETE ON sessions, carts, cart_items, orders, order_lines TO muster_test_data;
