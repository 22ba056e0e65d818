//! What users ask for while everything goes wrong.

use std::collections::HashMap;

use fastrand::Rng;
use serde_json::json;
use sqlx::PgPool;

use crate::plan::Plan;
use crate::scene::{daily_spec, stuck};

/// Users, of whom the last has one endless job more.
const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// Clients: what they ask for, and what was acknowledged.
#[derive(Debug)]
pub(crate) struct Clients {
    pool: PgPool,
    rng: Rng,
    /// Jobs that were acknowledged, and whose they are.
    pub(crate) acknowledged: HashMap<i64, String>,
}

impl Clients {
    /// Clients whose wishes are made from the plan's seed.
    pub(crate) fn new(pool: &PgPool, plan: &Plan) -> Self {
        let rng = Rng::with_seed(plan.seed ^ 0x5EED);
        Self { pool: pool.clone(), rng, acknowledged: HashMap::new() }
    }

    /// What they begin with.
    pub(crate) async fn begin(&mut self, plan: &Plan) {
        for user in USERS {
            let count = self.rng.i32(20..70);
            self.sleeps(user, count).await;
        }
        self.job("carol", "sleep", stuck()).await;
        self.job("bob", "backtest", daily_spec("NASDAQ")).await;
        self.job("bob", "backtest", daily_spec("NOWHERE")).await;
        self.job("alice", "slep", json!({})).await;
        if plan.has_stuck_candles {
            self.job("bob", "backtest", daily_spec("PIPE")).await;
        }
        if plan.has_rogues {
            for what in ["panic", "panic", "endless", "eat"] {
                self.job("carol", "rogue", json!(what)).await;
            }
        }
        self.bundle("alice").await;
    }

    /// More of the same; nobody answers for what was not acknowledged.
    pub(crate) async fn more(&mut self) {
        let user = *self.rng.choice(&USERS).unwrap();
        let count = self.rng.i32(5..30);
        self.sleeps(user, count).await;
        if self.rng.u8(..4) == 0 {
            self.bundle(user).await;
        }
    }

    /// Orders a cancel of a job, of a bundle, or of everything of a user.
    pub(crate) async fn cancel(&mut self, what: u8) {
        let user = *self.rng.choice(&USERS).unwrap();
        let sql = match what {
            0 => {
                "insert into sluicegate.commands (user_id, action, job_id)
                 select user_id, 'cancel', id from sluicegate.jobs
                  where user_id = $1 order by random() limit 3"
            }
            1 => {
                "insert into sluicegate.commands (user_id, action, bundle_id)
                 select user_id, 'cancel', id from sluicegate.bundles where user_id = $1 limit 1"
            }
            _ => "insert into sluicegate.commands (user_id, action) values ($1, 'cancel')",
        };
        sqlx::query(sql).bind(user).execute(&self.pool).await.ok();
    }

    async fn sleeps(&mut self, user: &str, count: i32) {
        let most_ms = self.rng.i32(50..700);
        let sql = "insert into sluicegate.jobs (user_id, kind, spec)
                   select $1, 'sleep', jsonb_build_object('seconds', ((n * 37) % $3) / 1000.0)
                     from generate_series(1, $2) n returning id";
        let ids = sqlx::query_scalar(sql).bind(user).bind(count).bind(most_ms);
        let ids: Vec<i64> = ids.fetch_all(&self.pool).await.unwrap_or_default();
        self.acknowledged.extend(ids.into_iter().map(|id| (id, user.to_owned())));
    }

    async fn job(&mut self, user: &str, kind: &str, spec: serde_json::Value) {
        let sql = "insert into sluicegate.jobs (user_id, kind, spec, max_failures)
                   values ($1, $2, $3::text::jsonb, 2) returning id";
        let id = sqlx::query_scalar(sql).bind(user).bind(kind).bind(spec.to_string());
        if let Ok(id) = id.fetch_one(&self.pool).await {
            self.acknowledged.insert(id, user.to_owned());
        }
    }

    async fn bundle(&self, user: &str) {
        let slow = json!([{"preset": "sma_cross", "params": {
            "fast": {"from": 5, "to": 9, "step": 1}, "slow": {"from": 20, "to": 23, "step": 1}}}]);
        let sql = r#"insert into sluicegate.bundles
            (user_id, universal_config, ticker_variants, date_ranges, scenario_variants) values
            ($1, '{"timeframe": "1d", "validation": {"monte_carlo": 0, "random_entries": 0}}',
             '["NASDAQ", "SP500"]',
             '[{"from": "2016-01-04", "until": "2019-01-01"}]', $2::text::jsonb)"#;
        sqlx::query(sql).bind(user).bind(slow.to_string()).execute(&self.pool).await.ok();
    }
}
