//! Folds what became of a bundle's jobs into its row.

use uuid::Uuid;

use super::in_hand::InHand;
use crate::pipeline::{Consumer, Shutdown};
use crate::store::Store;
use crate::worker::Wakes;

/// Rolls bundles up.
#[derive(Debug)]
pub struct BundleRollupConsumer {
    store: Store,
    wakes: Wakes,
    in_hand: InHand<Uuid>,
}

impl BundleRollupConsumer {
    /// Folds in this store, and wakes whoever closes bundles.
    #[must_use]
    pub fn new(store: &Store, wakes: &Wakes) -> Self {
        Self { store: store.clone(), wakes: wakes.clone(), in_hand: InHand::default() }
    }
}

impl Consumer for BundleRollupConsumer {
    type Item = Uuid;

    async fn consume(&self, bundle: Uuid, _shutdown: &Shutdown) -> anyhow::Result<()> {
        let Some(_hold) = self.in_hand.take(bundle) else { return Ok(()) };
        if self.store.fold_bundle(bundle).await? {
            self.wakes.wake("bundle_closing");
        }
        Ok(())
    }
}
