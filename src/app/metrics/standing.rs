//! How one release stands by what was measured of it. Measured of another version, it says nothing about this one.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Metrics, targets, weighted};
use crate::app::cluster::Cluster;
use crate::domain::belongings::Belongings;
use crate::domain::id::{Key, Kind};
use crate::domain::release::Release;
use crate::domain::signal::{Context, Declared, Judgement, Share, Signal, SignalKind, Track, TrackSeries, Verdict, judge, share};
use crate::domain::slo::{Burn, Forecast, RecordedSlo};

/// How a release stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Pod hash of the version that this is about.
    pub hash: Box<str>,
    /// The verdict on each of its signals, in their order.
    pub judgements: Arc<[Judgement]>,
    /// The canary's share of real requests; None at rest, or if nobody knows.
    pub share: Option<Share>,
    /// What fails, beside what may; None if nothing is promised or nothing was read.
    pub burn: Option<Burn>,
    /// What the next weight would make of that; None at rest.
    pub forecast: Option<Forecast>,
    /// Since when its traffic has had the present weight, by the local clock; None at rest.
    pub began: Option<Timestamp>,
    /// What the verdicts depended on besides the series.
    pub context: Context,
}

impl Standing {
    /// The worst of the signals that stop a promotion; the first of them where several are equally bad. None if none does.
    pub fn worst(&self) -> Option<&Judgement> {
        worst(&self.judgements)
    }
}

/// The worst of the verdicts that stop a promotion; the first of them where several are equally bad.
pub(super) fn worst(judgements: &[Judgement]) -> Option<&Judgement> {
    judgements.iter().filter(|judgement| judgement.gate).rev().max_by_key(|judgement| judgement.verdict)
}

impl Metrics {
    pub(super) fn judge_one(&mut self, cluster: &Cluster, key: &Key, now: Timestamp) {
        let skew = SignedDuration::from_millis(cluster.health().clock_skew_ms);
        let local = |moment: Timestamp| moment.checked_sub(skew).unwrap_or(moment);
        let cluster_now = now.checked_add(skew).unwrap_or(now);
        let Some((release, versions)) = cluster.release(key, cluster_now).zip(targets::versions(cluster, key)) else {
            self.standings.remove(key);
            return;
        };
        let belongings = cluster.belongings(key);
        let began = versions.stable.as_ref().map(|_| {
            let told = (weighted::told(cluster, key, &belongings).map(local), key.kind != Kind::Canary);
            let seen = super::Weighted::follow(self.weights.get(key), &versions.judged, weighted::weight(&release), told, now);
            let since = seen.since;
            self.weights.insert(key.clone(), seen);
            since
        });
        let context = Context {
            now,
            began,
            appeared: appeared(&release, &belongings, &versions.judged).map(local),
            stale_after: self.definitions.stale_after,
            pods: pods(&release, &belongings, &versions),
        };
        let standing = self.stand(key, &release, &versions, &context);
        self.standings.insert(key.clone(), standing);
    }

    fn stand(&self, key: &Key, release: &Release, versions: &targets::Versions, context: &Context) -> Standing {
        let signals = self.definitions.signals(key);
        let measured = self.measured.get(key).filter(|measured| measured.uid == release.uid && measured.hash == versions.judged);
        let series = |signal: &Signal| measured.map_or(&[][..], |measured| find(&measured.signals, &signal.name));
        let judgements: Arc<[Judgement]> = signals.iter().map(|signal| judge(signal, series(signal), context)).collect();
        let declared = Declared {
            percent: release.shown_weight.and_then(|weight| i32::try_from(weight).ok()).map(f64::from),
            since: context.began,
        };
        let share = context.began.and_then(|_| signals.iter().find_map(|signal| share_of(signal, series(signal), declared)));
        let reading = self.burns.get(key).filter(|reading| reading.uid == release.uid);
        let recorded = || reading?.recorded.as_ref().map(RecordedSlo::slo);
        let slo = self.definitions.slo().cloned().or_else(recorded);
        let burn = slo.as_ref().zip(reading).map(|(slo, reading)| Burn::of(slo, reading));
        let forecast = release.next_weight.filter(|_| context.began.is_some()).and_then(|weight| {
            let ratios = judgements.iter().find_map(ratios)?;
            burn.as_ref()?.forecast(slo.as_ref()?, ratios, weight)
        });
        Standing {
            hash: versions.judged.clone(),
            judgements,
            share,
            burn,
            forecast,
            began: context.began,
            context: context.clone(),
        }
    }
}

fn find<'a>(signals: &'a [(Arc<str>, Vec<TrackSeries>)], name: &str) -> &'a [TrackSeries] {
    signals.iter().find(|(of, _)| **of == *name).map_or(&[], |(_, series)| series)
}

/// When a version's pods were first wanted, by the cluster's clock.
fn appeared(release: &Release, belongings: &Belongings, hash: &str) -> Option<Timestamp> {
    belongings.replica_set_with(&release.uid, hash)?.metadata.creation_timestamp
}

/// How many pods of each track are available, where that was read.
fn pods(release: &Release, belongings: &Belongings, versions: &targets::Versions) -> Vec<(Track, u32)> {
    let count = |hash: &str| {
        let set = belongings.replica_set_with(&release.uid, hash)?;
        u32::try_from(set.status.available_replicas).ok()
    };
    let canary = count(&versions.judged).map(|count| (Track::Canary, count));
    let stable = versions.stable.as_deref().and_then(count).map(|count| (Track::Stable, count));
    canary.into_iter().chain(stable).collect()
}

/// The canary's share by one signal: by its value if it is traffic, else by the traffic behind it.
fn share_of(signal: &Signal, series: &[TrackSeries], declared: Declared) -> Option<Share> {
    let of = |track| {
        let one = series.iter().find(|one| one.track == track)?;
        if signal.kind == SignalKind::Traffic { Some(&one.value) } else { one.traffic.as_ref() }
    };
    share(signal, of(Track::Canary)?, of(Track::Stable)?, declared)
}

/// The error ratios of both tracks, as parts of 1, if both are known now.
fn ratios(judgement: &Judgement) -> Option<(f64, f64)> {
    let scale = judgement.failure_scale().filter(|_| judgement.verdict != Verdict::NoData)?;
    Some((judgement.value? / scale, judgement.stable? / scale))
}
