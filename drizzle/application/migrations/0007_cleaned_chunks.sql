ALTER TABLE "muster"."bulk_chunks" DROP CONSTRAINT "bulk_chunks_status";--> statement-breakpoint
ALTER TABLE "muster"."bulk_chunks" ADD COLUMN "cleaned_rows" jsonb;--> statement-breakpoint
ALTER TABLE "muster"."bulk_chunks" ADD COLUMN "gone_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "muster"."bulk_chunks" ADD CONSTRAINT "bulk_chunks_status" CHECK ("muster"."bulk_chunks"."status" in ('pending', 'running', 'done', 'cancelled', 'rolled_back', 'cleaned'));