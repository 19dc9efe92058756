CREATE TABLE "account_leases" (
	"account_id" uuid PRIMARY KEY NOT NULL,
	"load_test_id" uuid NOT NULL,
	"user_index" integer NOT NULL,
	"shard" integer NOT NULL,
	"epoch" integer NOT NULL,
	"leased_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "account_sessions" (
	"account_id" uuid NOT NULL,
	"origin" text NOT NULL,
	"state" text NOT NULL,
	"sealed_session" text,
	"expires_at" timestamp (3) with time zone,
	"logged_in_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"login_ms" real,
	"failure_code" text,
	CONSTRAINT "account_sessions_account_id_origin_pk" PRIMARY KEY("account_id","origin"),
	CONSTRAINT "account_sessions_state" CHECK ("account_sessions"."state" in ('active', 'expired', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "accounts" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"username" text NOT NULL,
	"email" text NOT NULL,
	"role" text NOT NULL,
	"is_test_user" boolean DEFAULT true NOT NULL,
	"test_batch_id" uuid,
	"custom_attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"sealed_password" text,
	"source_id" text,
	"status" text DEFAULT 'created' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"synced_at" timestamp (3) with time zone,
	"deleted_at" timestamp (3) with time zone,
	"base_digest" bigint,
	"digest" bigint GENERATED ALWAYS AS (hashtextextended(username || E'\x1f' || email || E'\x1f' || role || E'\x1f' || is_test_user::text || E'\x1f' || coalesce(test_batch_id::text, '') || E'\x1f' || custom_attributes::text, 0)) STORED NOT NULL,
	"bucket" smallint GENERATED ALWAYS AS ((hashtextextended(username, 1) & 4095)::smallint) STORED NOT NULL,
	CONSTRAINT "accounts_username_unique" UNIQUE("username"),
	CONSTRAINT "accounts_status" CHECK ("accounts"."status" in ('created', 'synced', 'leased', 'released', 'deleted')),
	CONSTRAINT "accounts_deleted" CHECK (("accounts"."status" = 'deleted') = ("accounts"."deleted_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"request_id" text
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"name" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL,
	"updated_by" text NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settings_history" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "settings_history_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"from_value" jsonb NOT NULL,
	"to_value" jsonb NOT NULL,
	"changed_by" text NOT NULL,
	"changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "user_templates" (
	"name" text PRIMARY KEY NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"config" jsonb NOT NULL,
	"sealed_password" text,
	"updated_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "account_leases" ADD CONSTRAINT "account_leases_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_sessions" ADD CONSTRAINT "account_sessions_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "account_leases_user" ON "account_leases" USING btree ("load_test_id","user_index");--> statement-breakpoint
CREATE INDEX "accounts_batch" ON "accounts" USING btree ("test_batch_id","id") WHERE "accounts"."status" <> 'deleted';--> statement-breakpoint
CREATE INDEX "accounts_bucket" ON "accounts" USING btree ("bucket");--> statement-breakpoint
CREATE INDEX "accounts_tombstones" ON "accounts" USING btree ("deleted_at") WHERE "accounts"."deleted_at" is not null;--> statement-breakpoint
CREATE INDEX "audit_log_action" ON "audit_log" USING btree ("action","id");--> statement-breakpoint
CREATE INDEX "audit_log_subject" ON "audit_log" USING btree ("subject","id");