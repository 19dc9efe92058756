DROP INDEX "idx_users_test_batch";--> statement-breakpoint
CREATE INDEX "idx_users_test_batch" ON "users" USING btree ("test_batch_id","id") WHERE "users"."test_batch_id" is not null;