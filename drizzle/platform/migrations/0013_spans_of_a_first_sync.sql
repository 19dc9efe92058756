ALTER TABLE "sync_chunks" ADD COLUMN "first_key" text;--> statement-breakpoint
ALTER TABLE "sync_chunks" ADD COLUMN "next_key" text;--> statement-breakpoint
ALTER TABLE "sync_chunks" ADD COLUMN "users" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
UPDATE "sync_chunks" SET "users" = cardinality("usernames");
