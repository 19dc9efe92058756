CREATE TABLE "muster"."notification_deliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"run" integer NOT NULL,
	"page_index" integer NOT NULL,
	"epoch" integer NOT NULL,
	"office_id" uuid NOT NULL,
	"staff_id" uuid NOT NULL,
	"channel" text NOT NULL,
	"cycle_ids" uuid[] NOT NULL,
	"status" text NOT NULL,
	"code" text,
	"detail" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"settled_at" timestamp (3) with time zone,
	"settled_by" text,
	CONSTRAINT "notification_deliveries_channel" CHECK ("muster"."notification_deliveries"."channel" in ('email', 'push')),
	CONSTRAINT "notification_deliveries_status" CHECK ("muster"."notification_deliveries"."status" in ('planned', 'skipped', 'sending', 'pending', 'sent', 'failed', 'unknown'))
);
--> statement-breakpoint
CREATE TABLE "muster"."notification_ledger" (
	"office_id" uuid NOT NULL,
	"staff_id" uuid NOT NULL,
	"channel" text NOT NULL,
	"cycle_ids" uuid[] NOT NULL,
	CONSTRAINT "notification_ledger_office_id_staff_id_channel_pk" PRIMARY KEY("office_id","staff_id","channel"),
	CONSTRAINT "notification_ledger_channel" CHECK ("muster"."notification_ledger"."channel" in ('email', 'push'))
);
--> statement-breakpoint
CREATE TABLE "muster"."notification_paces" (
	"channel" text PRIMARY KEY NOT NULL,
	"next_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "muster"."notification_pages" (
	"run_id" uuid NOT NULL,
	"run" integer NOT NULL,
	"page_index" integer NOT NULL,
	"after_office" uuid,
	"status" text DEFAULT 'running' NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"worker" text,
	"totals" jsonb,
	"failures" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "notification_pages_run_id_run_page_index_pk" PRIMARY KEY("run_id","run","page_index"),
	CONSTRAINT "notification_pages_status" CHECK ("muster"."notification_pages"."status" in ('running', 'done'))
);
--> statement-breakpoint
CREATE INDEX "notification_deliveries_run" ON "muster"."notification_deliveries" USING btree ("run_id","id");--> statement-breakpoint
CREATE INDEX "notification_deliveries_unknown" ON "muster"."notification_deliveries" USING btree ("id") WHERE "muster"."notification_deliveries"."status" = 'unknown';