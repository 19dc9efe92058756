ALTER TABLE "load_ticks" ADD COLUMN "second" integer NOT NULL;--> statement-breakpoint
CREATE INDEX "load_ticks_second" ON "load_ticks" USING btree ("load_test_id","second");