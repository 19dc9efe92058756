ALTER TABLE "account_leases" DROP COLUMN "shard";--> statement-breakpoint
ALTER TABLE "account_leases" DROP COLUMN "epoch";