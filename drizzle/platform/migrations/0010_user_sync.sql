CREATE TABLE "sync_bases" (
	"target_key" text NOT NULL,
	"username" text NOT NULL,
	"digest" bigint NOT NULL,
	CONSTRAINT "sync_bases_target_key_username_pk" PRIMARY KEY("target_key","username")
);
--> statement-breakpoint
CREATE TABLE "sync_chunks" (
	"run_id" uuid NOT NULL,
	"chunk_index" integer NOT NULL,
	"usernames" text[] NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"lane" integer,
	"worker" text,
	"created" integer DEFAULT 0 NOT NULL,
	"updated" integer DEFAULT 0 NOT NULL,
	"deleted_in_application" integer DEFAULT 0 NOT NULL,
	"deleted_in_target" integer DEFAULT 0 NOT NULL,
	"unchanged" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"conflicts" integer DEFAULT 0 NOT NULL,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"faults" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "sync_chunks_run_id_chunk_index_pk" PRIMARY KEY("run_id","chunk_index"),
	CONSTRAINT "sync_chunks_status" CHECK ("sync_chunks"."status" in ('pending', 'running', 'done', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "sync_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"job_id" uuid NOT NULL,
	"target" jsonb NOT NULL,
	"target_key" text NOT NULL,
	"sealed_api_key" text,
	"direction" text NOT NULL,
	"filter" jsonb NOT NULL,
	"conflict_policy" text NOT NULL,
	"full" boolean NOT NULL,
	"dry_run" boolean NOT NULL,
	"confirm" boolean NOT NULL,
	"with_credentials" boolean NOT NULL,
	"trigger" text NOT NULL,
	"active" boolean DEFAULT false NOT NULL,
	"planned_run" integer DEFAULT -1 NOT NULL,
	"mode" text DEFAULT 'apply' NOT NULL,
	"application_users" integer DEFAULT 0 NOT NULL,
	"target_users" integer DEFAULT 0 NOT NULL,
	"unchanged" integer DEFAULT 0 NOT NULL,
	"compared_bytes" bigint DEFAULT 0 NOT NULL,
	"clock_skew_ms" integer DEFAULT 0 NOT NULL,
	"sync_timestamp" timestamp (3) with time zone,
	"application_xmin" bigint,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sync_runs_job_id_unique" UNIQUE("job_id")
);
--> statement-breakpoint
ALTER TABLE "sync_chunks" ADD CONSTRAINT "sync_chunks_run_id_sync_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."sync_runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_runs" ADD CONSTRAINT "sync_runs_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "sync_runs_active" ON "sync_runs" USING btree ("target_key") WHERE "sync_runs"."active";--> statement-breakpoint
CREATE INDEX "sync_runs_target" ON "sync_runs" USING btree ("target_key","created_at");