//! The results of one market over one time, and their statistics.

use anyhow::Context;
use uuid::Uuid;

use super::BundleClosingConsumer;
use crate::backtest::daily::DailyReturns;
use crate::backtest::variant::Config;
use crate::domain::job::JobId;
use crate::kinds::RunControl;
use crate::statistics::{BundleStatistics, Trial, Trials};
use crate::store::{DailyRow, ResultGroup};

/// Bytes of daily returns that are read in one statement.
const PAGE_BYTES: u64 = 8 << 20;

/// Most rows that are read in one statement.
const PAGE_ROWS_MAX: u64 = 1_000;

/// A result without its returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Member {
    pub(super) job_id: JobId,
    /// Number of its variant within the bundle.
    pub(super) seq: u64,
    /// Its Sharpe ratio as it is ranked by.
    pub(super) sharpe: Option<f64>,
}

/// What the results of a group show together.
#[derive(Debug)]
pub(super) struct JudgedGroup {
    pub(super) statistics: BundleStatistics,
    pub(super) members: Vec<Member>,
    /// Results without daily returns, or of other days than the first.
    pub(super) not_comparable: usize,
}

/// The results of a group as they are read.
#[derive(Debug, Default)]
struct Returns {
    members: Vec<Member>,
    comparable: Vec<Comparable>,
    /// First day and number of days of all that are comparable.
    calendar: Option<(i32, usize)>,
}

/// A result with its returns.
#[derive(Debug)]
struct Comparable {
    id: JobId,
    key: String,
    daily_returns: Vec<f32>,
}

impl BundleClosingConsumer {
    /// The statistics of one group; `None` when the run was cancelled. At most one group is in memory
    /// at a time; the caller has looked at its size.
    pub(super) async fn judge_group(
        &self,
        bundle: Uuid,
        group: &ResultGroup,
        config: &Config,
        control: &RunControl,
    ) -> anyhow::Result<Option<JudgedGroup>> {
        let _turn = tokio::select! {
            turn = self.turn.acquire() => turn.context("wait for memory")?,
            () = control.cancelled() => return Ok(None),
        };
        let mut returns = Returns::default();
        let bytes_each = (group.bytes / group.variants.max(1)).max(1);
        let rows = usize::try_from((PAGE_BYTES / bytes_each).clamp(1, PAGE_ROWS_MAX))?;
        loop {
            let after = returns.members.last().map(|member| member.seq);
            let page = self.store.daily_returns(bundle, group, after, rows).await?;
            let is_last = page.len() < rows;
            page.into_iter().for_each(|row| returns.push(row));
            if control.is_cancelled() {
                return Ok(None);
            }
            if is_last {
                break;
            }
        }
        let (seed, blocks) = (config.seed, config.validation.cscv_blocks);
        let work = move || returns.judge(seed, usize::try_from(blocks).unwrap_or(usize::MAX));
        tokio::select! {
            judged = self.slots.run(work) => match judged {
                Ok(judged) => Ok(Some(judged?)),
                Err(panicked) => anyhow::bail!("panic: {}", panicked.message),
            },
            // Statistics cannot be interrupted: they end by themselves, and nobody listens.
            () = control.cancelled() => Ok(None),
        }
    }
}

impl Comparable {
    fn trial(&self) -> Trial<'_> {
        Trial { id: self.id, key: self.key.as_bytes(), daily_returns: &self.daily_returns }
    }
}

impl Returns {
    fn push(&mut self, row: DailyRow) {
        let DailyRow { job_id, seq, variant_digest, sharpe, daily_returns } = row;
        self.members.push(Member { job_id, seq, sharpe });
        let Some(days) = DailyReturns::from_bytes(&daily_returns) else { return };
        let calendar = (days.first_day, days.returns.len());
        if *self.calendar.get_or_insert(calendar) == calendar {
            let daily_returns = days.returns;
            self.comparable.push(Comparable { id: job_id, key: variant_digest, daily_returns });
        }
    }

    fn judge(self, seed: u64, blocks: usize) -> anyhow::Result<JudgedGroup> {
        let trials = self.comparable.iter().map(Comparable::trial).collect();
        let trials = Trials::new(trials, seed)?;
        Ok(JudgedGroup {
            statistics: BundleStatistics::of(&trials.with_blocks(blocks)),
            not_comparable: self.members.len() - self.comparable.len(),
            members: self.members,
        })
    }
}
