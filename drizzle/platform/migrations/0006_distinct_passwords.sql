CREATE TABLE "bulk_user_password_hashes" (
	"batch_id" uuid NOT NULL,
	"slot" integer NOT NULL,
	"password_hash" text NOT NULL,
	CONSTRAINT "bulk_user_password_hashes_batch_id_slot_pk" PRIMARY KEY("batch_id","slot")
);
--> statement-breakpoint
ALTER TABLE "bulk_user_batches" ALTER COLUMN "sealed_password" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "bulk_user_batches" ADD COLUMN "sealed_secret" text;--> statement-breakpoint
ALTER TABLE "bulk_user_password_hashes" ADD CONSTRAINT "bulk_user_password_hashes_batch_id_bulk_user_batches_id_fk" FOREIGN KEY ("batch_id") REFERENCES "public"."bulk_user_batches"("id") ON DELETE cascade ON UPDATE no action;