CREATE TABLE "datasets" (
	"id" uuid PRIMARY KEY NOT NULL,
	"job_id" uuid NOT NULL,
	"seed" bigint NOT NULL,
	"reference_date" date NOT NULL,
	"offices" integer NOT NULL,
	"staffs_per_office" integer NOT NULL,
	"recipients_per_office" integer NOT NULL,
	"cycles_per_recipient" integer NOT NULL,
	"chunk_offices" integer NOT NULL,
	"password_hash" text,
	"planned_run" integer DEFAULT -1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "datasets_job_id_unique" UNIQUE("job_id"),
	CONSTRAINT "datasets_offices" CHECK ("datasets"."offices" > 0 and "datasets"."chunk_offices" > 0)
);
--> statement-breakpoint
ALTER TABLE "datasets" ADD CONSTRAINT "datasets_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE no action ON UPDATE no action;