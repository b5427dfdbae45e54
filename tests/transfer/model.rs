//! Any reads and writes, against a vector of bytes.

use std::fs::File;

use pmem2::{Error, Source, transfer::Writer};
use proptest::prelude::*;
use rustix::fs::OFlags;

use crate::{bytes, memory, on_disk, stopped};

const SIZE: usize = 12_345;

#[derive(Clone, Copy, Debug)]
struct Step {
    write: bool,
    /// By an object that is kept, or at once.
    kept: bool,
    offset: u64,
    length: usize,
    value: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let offset = prop_oneof![8 => 0..SIZE as u64, 1 => SIZE as u64 - 50..SIZE as u64 + 50, 1 => any::<u64>()];
    let length = prop_oneof![0..100_usize, 0..SIZE];
    let step = (any::<(bool, bool, u8)>(), offset, length).prop_map(
        |((write, kept, value), offset, length)| Step { write, kept, offset, length, value },
    );
    prop::collection::vec(step, 1..30)
}

fn run(file: &File, steps: &[Step]) -> Result<(), TestCaseError> {
    let source = Source::new(file).expect("a source");
    let writer = Writer::new(source).expect("a writer");
    let mut model = bytes(SIZE);
    for step in steps {
        let end = step.offset.checked_add(step.length as u64);
        let range =
            end.filter(|&end| end <= SIZE as u64).map(|end| step.offset as usize..end as usize);
        let expected = if range.is_some() {
            Ok(())
        } else {
            Err((0, Error::LengthOutOfRange { end: end.unwrap_or(u64::MAX), size: SIZE as u64 }))
        };
        if step.write {
            let new: Vec<u8> =
                (0..step.length).map(|index| step.value.wrapping_add(index as u8)).collect();
            let written = if step.kept {
                writer.write_at(step.offset, &new)
            } else {
                source.write_at(step.offset, &new)
            };
            prop_assert_eq!(stopped(written), expected, "{:?}", step);
            if let Some(range) = range {
                model[range].copy_from_slice(&new);
            }
        } else {
            let mut found = vec![step.value; step.length];
            let read = if step.kept {
                writer.read_at(step.offset, &mut found)
            } else {
                source.read_at(step.offset, &mut found)
            };
            prop_assert_eq!(stopped(read), expected, "{:?}", step);
            match range {
                Some(range) => prop_assert!(found == model[range], "{:?}", step),
                None => prop_assert!(found.iter().all(|&byte| byte == step.value), "{:?}", step),
            }
        }
    }
    prop_assert!(crate::all_of(&source) == model);
    Ok(())
}

proptest! {
    #[test]
    fn of_memory(steps in steps()) {
        run(&memory(SIZE), &steps)?;
    }

    #[test]
    fn on_the_disk(steps in steps()) {
        run(&on_disk(SIZE, OFlags::RDWR), &steps)?;
    }
}
