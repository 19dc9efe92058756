ALTER TABLE "bulk_user_batches" ADD COLUMN "cleanup_job_id" uuid;--> statement-breakpoint
ALTER TABLE "bulk_user_batches" ADD COLUMN "cleaned_up_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "bulk_user_batches" ADD COLUMN "cleaned_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "bulk_user_batches" ADD CONSTRAINT "bulk_user_batches_cleanup_job_id_jobs_id_fk" FOREIGN KEY ("cleanup_job_id") REFERENCES "public"."jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "bulk_user_batches_kept" ON "bulk_user_batches" USING btree ("created_at") WHERE "bulk_user_batches"."cleaned_up_at" is null;--> statement-breakpoint
CREATE INDEX "bulk_user_batches_cleanup" ON "bulk_user_batches" USING btree ("cleanup_job_id") WHERE "bulk_user_batches"."cleanup_job_id" is not null;