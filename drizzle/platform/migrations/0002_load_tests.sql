CREATE TABLE "load_errors" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "load_errors_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"load_test_id" uuid NOT NULL,
	"shard" integer NOT NULL,
	"at_ms" bigint NOT NULL,
	"endpoint" text NOT NULL,
	"kind" text NOT NULL,
	"status" integer,
	"message" text NOT NULL,
	"username" text
);
--> statement-breakpoint
CREATE TABLE "load_events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "load_events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"load_test_id" uuid NOT NULL,
	"event" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "load_shards" (
	"load_test_id" uuid NOT NULL,
	"shard" integer NOT NULL,
	"status" text NOT NULL,
	"worker_id" uuid NOT NULL,
	"worker" text NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL,
	"requests" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "load_shards_load_test_id_shard_pk" PRIMARY KEY("load_test_id","shard"),
	CONSTRAINT "load_shards_status" CHECK ("load_shards"."status" in ('assigned', 'ready', 'running', 'lost', 'ended'))
);
--> statement-breakpoint
CREATE TABLE "load_tests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"job_id" uuid NOT NULL,
	"status" text DEFAULT 'queued' NOT NULL,
	"config" jsonb NOT NULL,
	"control" jsonb NOT NULL,
	"control_version" integer DEFAULT 0 NOT NULL,
	"degraded" boolean DEFAULT false NOT NULL,
	"reason" jsonb,
	"metrics" jsonb,
	"endpoints" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"thresholds" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"start_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"planned_run" integer DEFAULT -1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "load_tests_job_id_unique" UNIQUE("job_id"),
	CONSTRAINT "load_tests_status" CHECK ("load_tests"."status" in ('queued', 'starting', 'running', 'paused', 'stopping', 'succeeded', 'failed', 'aborted'))
);
--> statement-breakpoint
CREATE TABLE "load_ticks" (
	"load_test_id" uuid NOT NULL,
	"shard" integer NOT NULL,
	"epoch" integer NOT NULL,
	"seq" integer NOT NULL,
	"delta" jsonb NOT NULL,
	CONSTRAINT "load_ticks_load_test_id_shard_epoch_seq_pk" PRIMARY KEY("load_test_id","shard","epoch","seq")
);
--> statement-breakpoint
CREATE TABLE "load_timeline" (
	"load_test_id" uuid NOT NULL,
	"second" integer NOT NULL,
	"point" jsonb NOT NULL,
	CONSTRAINT "load_timeline_load_test_id_second_pk" PRIMARY KEY("load_test_id","second")
);
--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "load_slots" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "load_errors" ADD CONSTRAINT "load_errors_load_test_id_load_tests_id_fk" FOREIGN KEY ("load_test_id") REFERENCES "public"."load_tests"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_events" ADD CONSTRAINT "load_events_load_test_id_load_tests_id_fk" FOREIGN KEY ("load_test_id") REFERENCES "public"."load_tests"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_shards" ADD CONSTRAINT "load_shards_load_test_id_load_tests_id_fk" FOREIGN KEY ("load_test_id") REFERENCES "public"."load_tests"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_tests" ADD CONSTRAINT "load_tests_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_ticks" ADD CONSTRAINT "load_ticks_load_test_id_load_tests_id_fk" FOREIGN KEY ("load_test_id") REFERENCES "public"."load_tests"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_timeline" ADD CONSTRAINT "load_timeline_load_test_id_load_tests_id_fk" FOREIGN KEY ("load_test_id") REFERENCES "public"."load_tests"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "load_errors_test" ON "load_errors" USING btree ("load_test_id","id");--> statement-breakpoint
CREATE INDEX "load_events_test" ON "load_events" USING btree ("load_test_id","id");--> statement-breakpoint
CREATE INDEX "load_shards_open" ON "load_shards" USING btree ("worker_id") WHERE "load_shards"."status" <> 'ended';--> statement-breakpoint
CREATE INDEX "load_tests_active" ON "load_tests" USING btree ("id") WHERE "load_tests"."finished_at" is null;