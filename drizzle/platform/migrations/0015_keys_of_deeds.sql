ALTER TABLE "api_keys" ADD COLUMN "from_environment" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "audit_log" ADD COLUMN "key_id" uuid;--> statement-breakpoint
UPDATE "api_keys" SET "from_environment" = true WHERE "name" = 'MUSTER_API_KEY' AND "created_by" = 'environment';