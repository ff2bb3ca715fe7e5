//! From a name to a scheduler.

use std::fmt;

use super::{Bounded, Learning, Mixed, Pct, Pos, Race, Random, Scheduler, Surw, Unmet};

/// The schedulers that can be asked for by name: those that go on for as long as they are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`Random`].
    Random,
    /// [`Pct`].
    Pct,
    /// [`Pos`].
    Pos,
    /// [`Surw`].
    Surw,
    /// [`Race`].
    Race,
    /// [`Unmet`].
    Unmet,
    /// [`Mixed`].
    #[default]
    Mixed,
}

impl Kind {
    /// All of them, the default last.
    pub const ALL: [Kind; 7] =
        [Kind::Random, Kind::Pct, Kind::Pos, Kind::Surw, Kind::Race, Kind::Unmet, Kind::Mixed];

    /// The word for it, as the command line spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Random => "random",
            Kind::Pct => "pct",
            Kind::Pos => "pos",
            Kind::Surw => "surw",
            Kind::Race => "race",
            Kind::Unmet => "unmet",
            Kind::Mixed => "mixed",
        }
    }

    /// Does it look for bugs of a certain depth?
    pub const fn has_depth(self) -> bool {
        matches!(self, Kind::Pct | Kind::Mixed)
    }
}

/// How executions are searched for: all that it takes, with a seed, to build a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Search {
    /// Which scheduler.
    pub kind: Kind,
    /// The depth of the bugs that [`Pct`] looks for, alone or among the others.
    pub depth: u32,
    /// The most preemptions that an execution may have.
    pub preemptions: Option<u32>,
}

impl Search {
    /// The depth where none is asked for. Of the bugs that Burckhardt and his colleagues (2010) looked at
    /// none was deeper.
    pub const DEPTH: u32 = 3;

    /// The scheduler. What it learns, it learns from its own executions.
    pub fn scheduler(self, seed: u64) -> Box<dyn Scheduler> {
        let Search { kind, depth, preemptions } = self;
        let scheduler: Box<dyn Scheduler> = match kind {
            Kind::Random => Box::new(Random::new(seed)),
            Kind::Pct => Box::new(Learning::new(|profile| Pct::new(seed, depth, profile))),
            Kind::Pos => Box::new(Pos::new(seed)),
            Kind::Surw => Box::new(Learning::new(|profile| Surw::new(seed, profile))),
            Kind::Race => Box::new(Learning::new(|profile| Race::new(seed, profile))),
            Kind::Unmet => Box::new(Learning::new(|profile| Unmet::new(seed, profile))),
            Kind::Mixed => Box::new(Mixed::new(seed, depth)),
        };
        match preemptions {
            Some(most) => Box::new(Bounded::new(most, scheduler)),
            None => scheduler,
        }
    }
}

impl Default for Search {
    fn default() -> Self {
        Search { kind: Kind::default(), depth: Search::DEPTH, preemptions: None }
    }
}

/// "scheduler pct of depth 3, at most 2 preemptions"
impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scheduler {}", self.kind.name())?;
        if self.kind.has_depth() {
            write!(f, " of depth {}", self.depth)?;
        }
        match self.preemptions {
            None => Ok(()),
            Some(0) => f.write_str(", no preemptions"),
            Some(1) => f.write_str(", at most 1 preemption"),
            Some(most) => write!(f, ", at most {most} preemptions"),
        }
    }
}
