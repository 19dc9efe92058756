CREATE TABLE "muster"."dataset_chunks" (
	"dataset_id" uuid NOT NULL,
	"chunk_index" integer NOT NULL,
	"first_office" integer NOT NULL,
	"offices" integer NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"worker" text,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "dataset_chunks_dataset_id_chunk_index_pk" PRIMARY KEY("dataset_id","chunk_index"),
	CONSTRAINT "dataset_chunks_status" CHECK ("muster"."dataset_chunks"."status" in ('pending', 'running', 'done', 'cancelled')),
	CONSTRAINT "dataset_chunks_offices" CHECK ("muster"."dataset_chunks"."offices" > 0)
);
--> statement-breakpoint
CREATE TABLE "office_staffs" (
	"staff_id" uuid NOT NULL,
	"office_id" uuid NOT NULL,
	"is_primary" boolean DEFAULT false NOT NULL,
	"is_test_data" boolean DEFAULT false NOT NULL,
	"dataset_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "office_staffs_staff_id_office_id_pk" PRIMARY KEY("staff_id","office_id"),
	CONSTRAINT "office_staffs_markers" CHECK ("office_staffs"."dataset_id" is null or "office_staffs"."is_test_data")
);
--> statement-breakpoint
CREATE TABLE "office_welfare_recipients" (
	"welfare_recipient_id" uuid NOT NULL,
	"office_id" uuid NOT NULL,
	"started_on" date NOT NULL,
	"is_test_data" boolean DEFAULT false NOT NULL,
	"dataset_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "office_welfare_recipients_welfare_recipient_id_office_id_pk" PRIMARY KEY("welfare_recipient_id","office_id"),
	CONSTRAINT "office_welfare_recipients_markers" CHECK ("office_welfare_recipients"."dataset_id" is null or "office_welfare_recipients"."is_test_data")
);
--> statement-breakpoint
CREATE TABLE "offices" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"name" varchar(255) NOT NULL,
	"kind" text NOT NULL,
	"locale" varchar(10) DEFAULT 'ja' NOT NULL,
	"registration_number" varchar(20),
	"postal_code" varchar(8),
	"address" text,
	"phone" varchar(20),
	"email" varchar(255),
	"capacity" integer DEFAULT 20 NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_by" uuid NOT NULL,
	"is_test_data" boolean DEFAULT false NOT NULL,
	"dataset_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "offices_registration_number_unique" UNIQUE("registration_number"),
	CONSTRAINT "offices_markers" CHECK ("offices"."dataset_id" is null or "offices"."is_test_data"),
	CONSTRAINT "offices_kind" CHECK ("offices"."kind" in ('transition', 'type_a', 'type_b', 'daily_care')),
	CONSTRAINT "offices_capacity" CHECK ("offices"."capacity" > 0)
);
--> statement-breakpoint
CREATE TABLE "push_subscriptions" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"staff_id" uuid NOT NULL,
	"endpoint" text NOT NULL,
	"p256dh_key" text NOT NULL,
	"auth_key" text NOT NULL,
	"user_agent" text,
	"is_test_data" boolean DEFAULT false NOT NULL,
	"dataset_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "push_subscriptions_endpoint_unique" UNIQUE("endpoint"),
	CONSTRAINT "push_subscriptions_markers" CHECK ("push_subscriptions"."dataset_id" is null or "push_subscriptions"."is_test_data"),
	CONSTRAINT "push_subscriptions_endpoint" CHECK ("push_subscriptions"."endpoint" like 'https://%' or "push_subscriptions"."endpoint" like 'http://%')
);
--> statement-breakpoint
CREATE TABLE "staffs" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"email" varchar(255) NOT NULL,
	"hashed_password" text NOT NULL,
	"last_name" varchar(50) NOT NULL,
	"first_name" varchar(50) NOT NULL,
	"last_name_furigana" varchar(100) NOT NULL,
	"first_name_furigana" varchar(100) NOT NULL,
	"role" text DEFAULT 'employee' NOT NULL,
	"employee_number" varchar(20),
	"job_title" varchar(100),
	"employment_type" text DEFAULT 'full_time' NOT NULL,
	"qualification" varchar(100),
	"phone" varchar(20),
	"date_of_birth" date,
	"hired_on" date,
	"language" varchar(10) DEFAULT 'ja' NOT NULL,
	"timezone" varchar(50) DEFAULT 'Asia/Tokyo' NOT NULL,
	"notification_preferences" jsonb DEFAULT '{"in_app_notification":true,"email_notification":true,"system_notification":false,"email_threshold_days":30,"push_threshold_days":10}'::jsonb NOT NULL,
	"is_email_verified" boolean DEFAULT false NOT NULL,
	"is_mfa_enabled" boolean DEFAULT false NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"is_system" boolean DEFAULT false NOT NULL,
	"failed_login_attempts" integer DEFAULT 0 NOT NULL,
	"password_changed_at" timestamp with time zone,
	"last_login_at" timestamp with time zone,
	"is_test_data" boolean DEFAULT false NOT NULL,
	"dataset_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "staffs_email_unique" UNIQUE("email"),
	CONSTRAINT "staffs_markers" CHECK ("staffs"."dataset_id" is null or "staffs"."is_test_data"),
	CONSTRAINT "staffs_role" CHECK ("staffs"."role" in ('owner', 'manager', 'employee')),
	CONSTRAINT "staffs_employment_type" CHECK ("staffs"."employment_type" in ('full_time', 'part_time', 'contract')),
	CONSTRAINT "staffs_email" CHECK ("staffs"."email" like '%_@_%'),
	CONSTRAINT "staffs_failed_logins" CHECK ("staffs"."failed_login_attempts" >= 0)
);
--> statement-breakpoint
CREATE TABLE "support_plan_cycles" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"welfare_recipient_id" uuid NOT NULL,
	"office_id" uuid NOT NULL,
	"cycle_number" integer NOT NULL,
	"plan_cycle_start_date" date NOT NULL,
	"next_renewal_deadline" date NOT NULL,
	"final_plan_signed_date" date,
	"is_latest_cycle" boolean DEFAULT true NOT NULL,
	"is_test_data" boolean DEFAULT false NOT NULL,
	"dataset_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "support_plan_cycles_number" UNIQUE("welfare_recipient_id","cycle_number"),
	CONSTRAINT "support_plan_cycles_markers" CHECK ("support_plan_cycles"."dataset_id" is null or "support_plan_cycles"."is_test_data"),
	CONSTRAINT "support_plan_cycles_number_positive" CHECK ("support_plan_cycles"."cycle_number" > 0),
	CONSTRAINT "support_plan_cycles_dates" CHECK ("support_plan_cycles"."next_renewal_deadline" > "support_plan_cycles"."plan_cycle_start_date")
);
--> statement-breakpoint
CREATE TABLE "welfare_recipients" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"last_name" varchar(50) NOT NULL,
	"first_name" varchar(50) NOT NULL,
	"last_name_furigana" varchar(100) NOT NULL,
	"first_name_furigana" varchar(100) NOT NULL,
	"date_of_birth" date NOT NULL,
	"gender" text NOT NULL,
	"disability_grade" integer,
	"notes" text,
	"is_test_data" boolean DEFAULT false NOT NULL,
	"dataset_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "welfare_recipients_markers" CHECK ("welfare_recipients"."dataset_id" is null or "welfare_recipients"."is_test_data"),
	CONSTRAINT "welfare_recipients_gender" CHECK ("welfare_recipients"."gender" in ('male', 'female', 'other')),
	CONSTRAINT "welfare_recipients_grade" CHECK ("welfare_recipients"."disability_grade" between 1 and 6)
);
--> statement-breakpoint
ALTER TABLE "office_staffs" ADD CONSTRAINT "office_staffs_staff_id_staffs_id_fk" FOREIGN KEY ("staff_id") REFERENCES "public"."staffs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "office_staffs" ADD CONSTRAINT "office_staffs_office_id_offices_id_fk" FOREIGN KEY ("office_id") REFERENCES "public"."offices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "office_welfare_recipients" ADD CONSTRAINT "office_welfare_recipients_welfare_recipient_id_welfare_recipients_id_fk" FOREIGN KEY ("welfare_recipient_id") REFERENCES "public"."welfare_recipients"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "office_welfare_recipients" ADD CONSTRAINT "office_welfare_recipients_office_id_offices_id_fk" FOREIGN KEY ("office_id") REFERENCES "public"."offices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "offices" ADD CONSTRAINT "offices_created_by_staffs_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."staffs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "push_subscriptions" ADD CONSTRAINT "push_subscriptions_staff_id_staffs_id_fk" FOREIGN KEY ("staff_id") REFERENCES "public"."staffs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "support_plan_cycles" ADD CONSTRAINT "support_plan_cycles_welfare_recipient_id_welfare_recipients_id_fk" FOREIGN KEY ("welfare_recipient_id") REFERENCES "public"."welfare_recipients"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "support_plan_cycles" ADD CONSTRAINT "support_plan_cycles_office_id_offices_id_fk" FOREIGN KEY ("office_id") REFERENCES "public"."offices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "idx_office_staffs_test_data" ON "office_staffs" USING btree ("dataset_id") WHERE "office_staffs"."is_test_data";--> statement-breakpoint
CREATE INDEX "idx_office_staffs_office" ON "office_staffs" USING btree ("office_id");--> statement-breakpoint
CREATE INDEX "idx_office_welfare_recipients_test_data" ON "office_welfare_recipients" USING btree ("dataset_id") WHERE "office_welfare_recipients"."is_test_data";--> statement-breakpoint
CREATE INDEX "idx_office_welfare_recipients_office" ON "office_welfare_recipients" USING btree ("office_id");--> statement-breakpoint
CREATE INDEX "idx_offices_test_data" ON "offices" USING btree ("dataset_id") WHERE "offices"."is_test_data";--> statement-breakpoint
CREATE INDEX "idx_offices_created_by" ON "offices" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "idx_push_subscriptions_test_data" ON "push_subscriptions" USING btree ("dataset_id") WHERE "push_subscriptions"."is_test_data";--> statement-breakpoint
CREATE INDEX "idx_push_subscriptions_staff" ON "push_subscriptions" USING btree ("staff_id");--> statement-breakpoint
CREATE INDEX "idx_staffs_test_data" ON "staffs" USING btree ("dataset_id") WHERE "staffs"."is_test_data";--> statement-breakpoint
CREATE INDEX "idx_support_plan_cycles_test_data" ON "support_plan_cycles" USING btree ("dataset_id") WHERE "support_plan_cycles"."is_test_data";--> statement-breakpoint
CREATE INDEX "idx_support_plan_cycles_due" ON "support_plan_cycles" USING btree ("office_id","next_renewal_deadline");--> statement-breakpoint
CREATE INDEX "idx_welfare_recipients_test_data" ON "welfare_recipients" USING btree ("dataset_id") WHERE "welfare_recipients"."is_test_data";