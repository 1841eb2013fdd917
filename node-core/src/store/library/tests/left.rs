//! Imports that the end of their tab interrupts.

use super::*;

impl Bench {
    /// Ends in the middle of an import, after so many writes, and begins anew with
    /// what is on disk.
    fn interrupt(&mut self, parcel: &Parcel, writes: usize) {
        let mut waiting = VecDeque::from([Input::Import(3, parcel.clone())]);
        for _ in 0..writes {
            while let Some(input) = waiting.pop_front() {
                let mut effects = Vec::new();
                self.library.handle(self.now, input, &mut effects);
                let is_write = effects.iter().any(|one| matches!(one, Effect::Write(..)));
                waiting.extend(effects.into_iter().flat_map(|effect| self.obey(effect)));
                if is_write {
                    break;
                }
            }
        }
        self.begin_again();
    }

    fn begin_again(&mut self) {
        self.told.clear();
        self.library = Library::new(self.keys.own(), 2, self.now);
        self.input(Input::Clock(self.now.as_ms()));
        self.input(Input::Begin);
        self.input(Input::Records(self.records.clone().into_iter().collect()));
        self.input(Input::Opened(true));
    }

    /// Of what is left: how much is here, in bytes.
    fn left_bytes(&self) -> Option<u64> {
        let mut imports = self.library.imports().filter(|one| one.is_left);
        imports.next().map(|one| one.done_bytes)
    }
}

fn parcel(bytes: u64) -> Parcel {
    Parcel { path: path("a"), media_type: "text/plain".to_owned(), modified_ms: 1, bytes }
}

#[test]
fn an_import_that_was_interrupted_goes_on_and_writes_no_block_twice() {
    let mut bench = Bench::new();
    bench.interrupt(&parcel(8 * MIB), 3);
    let (left, before) = (bench.left_bytes().expect("it is left"), bench.blocks.clone());
    assert!((4 * MIB..8 * MIB).contains(&left), "{left} bytes");
    assert_eq!(bench.blocks.values().map(Vec::len).sum::<usize>() as u64, left);
    bench.pass(10_000);
    assert_eq!((bench.imported(3), bench.left_bytes()), (None, Some(left)), "it waits");

    // There is room for the rest alone, and for the ledger.
    bench.room = usize::try_from(8 * MIB).expect("it is small") + 4_096;
    bench.bodies = 0;
    bench.begin_import(3, "a", 8 * MIB);
    let file = bench.imported(3).expect("it ends").expect("it goes on");
    assert!(before.keys().all(|cid| bench.blocks.contains_key(cid)));
    let written = bench.bodies as u64;
    assert!(written < 8 * MIB - left + 4_096, "{written} bytes were written");
    assert!(bench.read(file, 6 * MIB, 10).expect("it is here").is_ok());
    bench.begin_again();
    assert_eq!(bench.left_bytes(), None);
    assert_eq!(bench.library.held.of_import(3), []);
}

#[test]
fn an_interrupted_import_takes_other_bytes_of_the_same_name_and_size() {
    let mut bench = Bench::new();
    bench.interrupt(&parcel(8 * MIB), 3);
    bench.begin_import(3, "a", 9 * MIB);
    assert_eq!(bench.imported(3), Some(Err(Error::Busy)), "it has another size");
    let old: Vec<Cid> = bench.blocks.keys().copied().collect();
    bench.told.clear();
    bench.made_of = Some(77);
    bench.begin_import(3, "a", 8 * MIB);
    let file = bench.imported(3).expect("it ends").expect("it is taken");
    let read = bench.read(file, 0, 100).expect("it is here").expect("it can be read");
    assert!(read == made_up(77, 0, 100), "it has the new bytes");
    assert!(!old.iter().any(|cid| bench.blocks.contains_key(cid)), "the old ones are gone");
}

#[test]
fn an_interrupted_import_goes_when_it_is_given_up_and_after_its_time() {
    for (is_late, is_awake) in [(false, true), (true, true), (true, false)] {
        let mut bench = Bench::new();
        bench.interrupt(&parcel(8 * MIB), 3);
        assert!(bench.left_bytes().is_some());
        if is_late && is_awake {
            bench.now = bench.now.plus_ms(LEFT_IMPORT_MS);
            let wall_ms = bench.now.as_ms();
            bench.input(Input::Clock(wall_ms));
            bench.pass(super::CARE_MS);
            assert_eq!(bench.imported(3), Some(Err(Error::Cancelled)));
        } else if is_late {
            bench.now = bench.now.plus_ms(LEFT_IMPORT_MS);
            bench.begin_again();
            assert_eq!(bench.imported(3), None, "nobody waits for it");
        } else {
            bench.input(Input::Cancel(3));
        }
        assert_eq!(bench.left_bytes(), None);
        assert_eq!((bench.blocks.len(), bench.records.len()), (0, 0));
    }
}

#[test]
fn an_import_that_was_interrupted_elsewhere_stays_on_that_disk() {
    let mut bench = Bench::new();
    bench.interrupt(&parcel(8 * MIB), 3);
    bench.input(Input::Begin);
    assert_eq!((bench.imported(3), bench.left_bytes()), (None, None));
    bench.begin_again();
    assert!(bench.left_bytes().is_some());
}
