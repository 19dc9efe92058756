ALTER TABLE "account_login_chunks" ADD COLUMN "lane" integer NOT NULL;--> statement-breakpoint
ALTER TABLE "account_login_chunks" ADD COLUMN "run" integer DEFAULT 0 NOT NULL;