ALTER TABLE "muster"."bulk_chunks" ADD COLUMN "user_keys" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "muster"."bulk_chunks" ALTER COLUMN "user_keys" SET STORAGE EXTERNAL;
