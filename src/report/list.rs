//! The list of facts, from which the text, JSON and C's description are printed.

use core::fmt::{self, Display};

use pmem2_platform::{Backing, Kind};

use super::{
    Identity, Report,
    fact::{Fact, Key, Value, is_volume},
    persistent::Answer,
};
use crate::{error::Error, place::Place};

impl<Id: Copy + Eq + Display> Report<Id> {
    /// Calls `tell` with each fact, in order. An answer that the platform cannot have is left out.
    /// Later versions add facts.
    ///
    /// # Errors
    ///
    /// The first one that `tell` returns.
    pub fn facts<E>(&self, mut tell: impl FnMut(Fact<'_>) -> Result<(), E>) -> Result<(), E> {
        let persistent = self.persistent();
        let mut say = |key, answer: Result<Value<'_>, Error>| {
            let said = answer.as_ref().is_err_and(|error| persistent.is_for(*error));
            tell(Fact { key, answer, said })
        };
        say(Key::Persistent, Ok(Value::Persistent(persistent)))?;
        match persistent.answer() {
            // Its message has both.
            Answer::Refused => {
                if let Some(symbol) = persistent.reason() {
                    say(Key::Code, Ok(Value::Words(&symbol)))?;
                }
            }
            _ if persistent.is_brief() => {}
            _ => {
                say(Key::Reason, Ok(Value::Words(&persistent.sentence())))?;
                if let Some(remedy) = persistent.finer() {
                    say(Key::Remedy, Ok(Value::Words(&remedy)))?;
                }
            }
        }
        let place = self.place.as_ref().and_then(|place| place.as_ref().ok());
        // Before everything that looks good.
        for warning in place.into_iter().flat_map(Place::warnings) {
            say(Key::Warning, Ok(Value::Warning(warning)))?;
        }
        if let Some(facts) = &self.facts {
            say(Key::Kind, Ok(Value::Kind(facts.kind)))?;
            say(Key::Access, Ok(Value::Access(facts.access)))?;
            if size_of::<Id>() != 0 {
                say(Key::Identity, Ok(Value::Words(&facts.id)))?;
            }
        }
        let mut answer = |key, answer: Option<Result<Value<'_>, Error>>| match answer {
            None | Some(Err(Error::Unsupported(_))) => Ok(()),
            Some(answer) => say(key, answer),
        };
        answer(Key::FileSystem, map(self.file_system, Value::FileSystem))?;
        answer(Key::Size, map(self.size, Value::Bytes))?;
        answer(Key::Allocated, map(self.allocated, |bytes| self.allocation(bytes)))?;
        answer(Key::Alignment, map(self.alignment, Value::Bytes))?;
        answer(
            Key::Place,
            self.place.as_ref().map(|place| place.as_ref().map(Value::Place).map_err(|e| *e)),
        )?;
        for region in place.into_iter().flat_map(Place::regions) {
            // One line for each of several regions: the line of the place would be long.
            match place.is_some_and(is_volume) {
                true => say(Key::Region, Ok(Value::Region(region)))?,
                false => say(Key::PersistenceDomain, Ok(Value::Words(&region.domain)))?,
            }
        }
        if let Some(identity) = &self.identity {
            hardware(&mut say, identity)?;
        }
        // Windows has no flag for it.
        let on_windows = |place: &Place| matches!(place.backing(), Backing::Volume { .. });
        let map_sync = self.kind() == Some(Kind::RegularFile) && !place.is_some_and(on_windows);
        match self.granularity {
            None | Some(Err(Error::Unsupported(_))) => Ok(()),
            Some(answer) => say(
                Key::Granularity,
                answer.map(|expected| Value::Granularity { expected, map_sync }),
            ),
        }
    }

    fn allocation(&self, bytes: u64) -> Value<'static> {
        let stores = !matches!(self.file_system, Some(Ok(system)) if system.is_interface());
        match self.size {
            Some(Ok(size)) if stores && bytes < size => Value::Sparse(bytes),
            _ => Value::Bytes(bytes),
        }
    }
}

fn map<T, V>(
    answer: Option<Result<T, Error>>,
    value: impl FnOnce(T) -> V,
) -> Option<Result<V, Error>> {
    answer.map(|answer| answer.map(value))
}

/// Tells the facts about the hardware.
fn hardware<E>(
    say: &mut impl FnMut(Key, Result<Value<'_>, Error>) -> Result<(), E>,
    identity: &Identity,
) -> Result<(), E> {
    let mut answer = |key, answer| match answer {
        Err(Error::NotPersistentMemory { .. }) => Ok(()),
        // Most platforms do not state it.
        Ok(Value::Node(None)) if key == Key::TargetNode => Ok(()),
        answer => say(key, answer),
    };
    answer(Key::NumaNode, identity.numa_node.map(Value::Node))?;
    answer(Key::TargetNode, identity.target_node.map(Value::Node))?;
    let id = identity.device_id.as_ref().map_err(|error| *error);
    answer(Key::DeviceId, id.map(|id| Value::DeviceId(id)))?;
    match identity.device_usc {
        // Of no DIMMs there is nothing to count.
        Ok(0) if id.is_ok_and(|id| id.is_empty()) => Ok(()),
        count => answer(Key::UnsafeShutdowns, count.map(Value::Count)),
    }
}

impl<Id: Copy + Eq + Display> Display for Report<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts(|fact| {
            if fact.key != Key::Persistent {
                f.write_str("\n")?;
            }
            fact.fmt(f)
        })
    }
}
