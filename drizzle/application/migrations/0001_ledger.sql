CREATE SCHEMA "muster";
--> statement-breakpoint
CREATE TABLE "muster"."bulk_chunks" (
	"batch_id" uuid NOT NULL,
	"chunk_index" integer NOT NULL,
	"first_id" integer NOT NULL,
	"size" integer NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"worker" text,
	"created_count" integer DEFAULT 0 NOT NULL,
	"failed_count" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "bulk_chunks_batch_id_chunk_index_pk" PRIMARY KEY("batch_id","chunk_index"),
	CONSTRAINT "bulk_chunks_status" CHECK ("muster"."bulk_chunks"."status" in ('pending', 'running', 'done', 'cancelled', 'rolled_back')),
	CONSTRAINT "bulk_chunks_counts" CHECK ("muster"."bulk_chunks"."created_count" + "muster"."bulk_chunks"."failed_count" <= "muster"."bulk_chunks"."size")
);
--> statement-breakpoint
CREATE TABLE "muster"."bulk_failures" (
	"batch_id" uuid NOT NULL,
	"index" integer NOT NULL,
	"chunk_index" integer NOT NULL,
	"username" text NOT NULL,
	"code" text NOT NULL,
	"detail" text NOT NULL,
	CONSTRAINT "bulk_failures_batch_id_index_pk" PRIMARY KEY("batch_id","index")
);
--> statement-breakpoint
ALTER TABLE "muster"."bulk_failures" ADD CONSTRAINT "bulk_failures_batch_id_chunk_index_bulk_chunks_batch_id_chunk_index_fk" FOREIGN KEY ("batch_id","chunk_index") REFERENCES "muster"."bulk_chunks"("batch_id","chunk_index") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "bulk_failures_chunk" ON "muster"."bulk_failures" USING btree ("batch_id","chunk_index");