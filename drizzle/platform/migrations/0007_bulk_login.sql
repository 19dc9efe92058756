CREATE TABLE "account_login_chunks" (
	"job_id" uuid NOT NULL,
	"chunk_index" integer NOT NULL,
	"first_id" uuid NOT NULL,
	"last_id" uuid NOT NULL,
	"accounts" integer NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"worker" text,
	"logged_in" integer DEFAULT 0 NOT NULL,
	"failures" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "account_login_chunks_job_id_chunk_index_pk" PRIMARY KEY("job_id","chunk_index"),
	CONSTRAINT "account_login_chunks_status" CHECK ("account_login_chunks"."status" in ('pending', 'running', 'done', 'cancelled'))
);
--> statement-breakpoint
ALTER TABLE "account_sessions" ADD COLUMN "login_job" uuid;--> statement-breakpoint
ALTER TABLE "account_login_chunks" ADD CONSTRAINT "account_login_chunks_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "account_login_chunks_open" ON "account_login_chunks" USING btree ("job_id","chunk_index") WHERE "account_login_chunks"."status" <> 'done';--> statement-breakpoint
CREATE INDEX "account_sessions_job" ON "account_sessions" USING btree ("login_job") WHERE "account_sessions"."login_job" is not null;