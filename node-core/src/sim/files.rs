//! Files among some dozen whole ions: brought in while ions come and go, crash with
//! and without their disk, lose streams, have clocks that are wrong by hours, and
//! while the nebula is cut in two.
//!
//! What must hold in the end, when all is healed, clocks are right and whoever has a
//! disk is back: every file that was said to be on disk, unless the last disk that had
//! all of it is gone, has as many copies as its goal says, and is read by somebody
//! else, byte for byte. And copying was worth its price ([`Ledger::bytes_max`]): no
//! more bytes passed between ions than new files, and copies that went with their
//! ions, take.
//!
//! Refuses: files of more than one read, [`READ_BYTES_MAX`]; frames that overtake
//! others, which streams do not do; to wait until files are no longer new, from when
//! on repair also keeps to a rate, which tests of [`replicas`](crate::store::replicas)
//! show.

use std::{collections::BTreeSet, fmt};

use super::{
    Conditions, IonOptions,
    agenda::{Act, IonIndex},
    disks::Disks,
    trace::Failure,
    world::World,
};
use crate::{
    node::{
        Command, Event,
        files::{News, READ_BYTES_MAX, Wish},
    },
    store::{
        chunk::{CHUNK_BYTES, Cid, Codec},
        replicas::{GOAL, GRACE_MS},
        source::made_up,
    },
};

/// Between two looks at what users were told, in milliseconds.
const LOOK_MS: u64 = 500;
/// How long ions join, in milliseconds.
const JOIN_MS: u64 = 5_000;
/// How long reading all files may take, in milliseconds.
const READ_MS_MAX: u64 = 60_000;
/// Of so many clocks one is wrong, until all is healed.
const WRONG_CLOCKS_SHARE: usize = 10;
/// How wrong a clock is at most, in milliseconds.
const SKEW_MS_MAX: i64 = 3 * 3_600_000;
/// Ions among which one is sought that lacks a file.
const READER_PICKS: usize = 16;
/// What may pass beyond the bytes that are needed, in percent of them: names and
/// frames, and what is asked for again where a stream broke or an ion went while it
/// fetched.
const EXTRA_PERCENT: u64 = 25;

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub struct FilesScenario {
    /// Ions that are there at any time.
    pub ions: usize,
    /// Files that are brought in.
    pub files: u64,
    /// How long things go wrong, in milliseconds: more than one and a half times
    /// [`GRACE_MS`].
    pub trouble_ms: u64,
    /// Ions that crash in a minute, in percent: half of them with their disk.
    pub churn_percent: u64,
    /// Streams that break in a second.
    pub breaks_per_s: u64,
    /// How long it may take until every file has its copies, in milliseconds.
    pub rest_ms_max: u64,
}

impl Default for FilesScenario {
    fn default() -> Self {
        Self {
            ions: 50,
            files: 20,
            trouble_ms: 60_000,
            churn_percent: 20,
            breaks_per_s: 2,
            rest_ms_max: 180_000,
        }
    }
}

/// A file that somebody brings in.
struct Brought {
    source: u64,
    bytes: u32,
    blocks: Vec<Cid>,
    /// Its name by content, once it was said to be on disk.
    file: Option<String>,
    /// Whether the last whole copy went with the disk that it was on.
    is_lost: bool,
}

/// What was brought in and lost.
#[derive(Default)]
struct Ledger {
    files: Vec<Brought>,
    /// Of copies that went with their ions, for good or for a time.
    gone_bytes: u64,
    /// Whether the nebula was cut for longer than an ion that is gone counts.
    was_cut_long: bool,
}

/// What a run was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesSummary {
    /// Its seed.
    pub seed: u64,
    /// Files that were said to be on disk.
    pub acknowledged: usize,
    /// Of those, how many went with the last disk that had all of them.
    pub lost: usize,
    /// Ions that crashed.
    pub crashes: u64,
    /// What passed between ions, in bytes, and what may have.
    pub moved_bytes: (u64, u64),
    /// How long it took until every file had its copies, in milliseconds.
    pub rest_ms: u64,
    /// Steps in all.
    pub steps: u64,
}

impl fmt::Display for FilesSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, acknowledged, lost, crashes, rest_ms, steps, .. } = self;
        let (moved, may) = self.moved_bytes;
        write!(
            f,
            "seed {seed}: {acknowledged} files, {lost} lost with their ions, {crashes} crashes; \
             {} of at most {} KiB moved; whole after {} s; {steps} steps",
            moved >> 10,
            may >> 10,
            rest_ms / 1_000
        )
    }
}

/// Runs a scenario from a seed.
pub fn run(seed: u64, scenario: &FilesScenario) -> Result<FilesSummary, Failure> {
    let mut world = World::new(seed, Conditions::default(), 2, 1);
    for number in 0..scenario.ions {
        let delay_ms = world.rng.below(JOIN_MS);
        let skew_ms = if number % WRONG_CLOCKS_SHARE == 0 { world.any_skew_ms() } else { 0 };
        world.add(IonOptions { skew_ms, ..IonOptions::default() }, delay_ms);
    }
    world.run_for(2 * JOIN_MS)?;
    let mut ledger = Ledger::default();
    let crashes = trouble(&mut world, scenario, &mut ledger)?;
    world.calm();
    world.return_all();
    let since_ms = world.now_ms;
    let kept: Vec<&Brought> = ledger.acknowledged().filter(|file| !file.is_lost).collect();
    world.run_until(since_ms + scenario.rest_ms_max, |world| {
        kept.iter().find_map(|file| world.lacks_copies(file))
    })?;
    let rest_ms = world.now_ms - since_ms;
    let moved_bytes = (world.store_bytes, ledger.bytes_max());
    if moved_bytes.0 > moved_bytes.1 {
        let (moved, may) = moved_bytes;
        world.fail(|| format!("{moved} bytes of files passed, and {may} were needed at most"));
    }
    world.read_all(&kept)?;
    Ok(FilesSummary {
        seed,
        acknowledged: ledger.acknowledged().count(),
        lost: ledger.acknowledged().count() - kept.len(),
        crashes,
        moved_bytes,
        rest_ms,
        steps: world.steps,
    })
}

/// Users bring files in while everything goes wrong; how many ions crashed.
fn trouble(
    world: &mut World,
    scenario: &FilesScenario,
    ledger: &mut Ledger,
) -> Result<u64, Failure> {
    let begin_ms = world.now_ms;
    for _ in 0..scenario.breaks_per_s * scenario.trouble_ms / 1_000 {
        let at = world.rng.below(scenario.trouble_ms);
        world.plan(at, Act::Break);
    }
    // Every other time for longer than an ion that is gone counts as there.
    ledger.was_cut_long = world.rng.below(2) == 0;
    let cut_ms = if ledger.was_cut_long { GRACE_MS * 3 / 2 } else { GRACE_MS / 2 };
    let cut_at = world.rng.below(scenario.trouble_ms - cut_ms);
    world.plan(cut_at, Act::Split(40));
    world.plan(cut_at + cut_ms, Act::Heal);
    let crash_each_ms = 6_000_000 / (scenario.ions as u64 * scenario.churn_percent).max(1);
    let bring_each_ms = scenario.trouble_ms / (scenario.files + 1);
    let mut crashes = 0;
    while world.now_ms < begin_ms + scenario.trouble_ms {
        let passed_ms = world.now_ms - begin_ms;
        while (ledger.files.len() as u64 + 1) * bring_each_ms <= passed_ms {
            ledger.files.push(world.bring(ledger.files.len() as u64));
        }
        while (crashes + 1) * crash_each_ms <= passed_ms {
            crashes += 1;
            world.lose_one(ledger);
        }
        world.run_for(LOOK_MS)?;
        world.hear_imports(ledger);
    }
    Ok(crashes)
}

impl Ledger {
    fn acknowledged(&self) -> impl Iterator<Item = &Brought> {
        self.files.iter().filter(|file| file.file.is_some())
    }

    /// What may pass between ions: the copies of every file that somebody began to
    /// bring in; for each copy that went with its ion, another; where a cut was
    /// long, those that both sides lacked; and a little.
    fn bytes_max(&self) -> u64 {
        let all: u64 = self.files.iter().map(|file| u64::from(file.bytes)).sum();
        let for_cut = if self.was_cut_long { all * GOAL as u64 } else { 0 };
        let needed = all * (GOAL as u64 - 1) + self.gone_bytes + for_cut;
        needed + needed * EXTRA_PERCENT / 100
    }
}

impl World {
    /// How wrong a clock is, either way, in milliseconds.
    fn any_skew_ms(&mut self) -> i64 {
        let skew_ms = self.rng.below(2 * SKEW_MS_MAX.unsigned_abs() + 1);
        skew_ms.cast_signed() - SKEW_MS_MAX
    }

    fn any_living(&mut self) -> IonIndex {
        loop {
            let ion = self.any_ion();
            if self.ions[ion].is_alive {
                return ion;
            }
        }
    }

    /// Somebody brings a file in, of some bytes or some blocks.
    fn bring(&mut self, source: u64) -> Brought {
        let blocks = u32::try_from(self.rng.below(4)).unwrap_or(0);
        let rest = u32::try_from(self.rng.below(CHUNK_BYTES.into())).unwrap_or(0);
        let bytes = blocks * CHUNK_BYTES + rest + 1;
        let all = made_up(source, 0, bytes);
        let chunks = all.chunks(CHUNK_BYTES as usize);
        let blocks = chunks.map(|chunk| Cid::of(Codec::Raw, chunk)).collect();
        let ion = self.any_living();
        let (path, media_type) = (format!("folder/{source}"), String::new());
        let (bytes_wished, modified_ms) = (bytes.into(), 1);
        let wish =
            Wish::Import { import: source, path, media_type, modified_ms, bytes: bytes_wished };
        self.command(ion, Command::Files(wish));
        Brought { source, bytes, blocks, file: None, is_lost: false }
    }

    /// Whether an ion's disk has all of it.
    fn is_held_by(&self, file: &Brought, ion: IonIndex) -> bool {
        self.ions[ion].disks.have(&file.blocks)
    }

    fn is_held(&self, file: &Brought) -> bool {
        (0..self.ions.len()).any(|ion| self.is_held_by(file, ion))
    }

    fn lacks_copies(&self, file: &Brought) -> Option<String> {
        let ions = (0..self.ions.len()).filter(|ion| self.ions[*ion].is_alive);
        let copies = ions.filter(|ion| self.is_held_by(file, *ion)).count();
        (copies < GOAL).then(|| format!("file {} has {copies} copies", file.source))
    }

    /// An ion crashes: with its disk, and returns, or for good, and another comes.
    fn lose_one(&mut self, ledger: &mut Ledger) {
        let ion = self.any_living();
        let held = ledger.files.iter().filter(|file| self.is_held_by(file, ion));
        ledger.gone_bytes += held.map(|file| u64::from(file.bytes)).sum::<u64>();
        self.crash(ion);
        let away_ms = self.between(500, 2 * GRACE_MS);
        if self.rng.below(2) == 0 {
            self.plan(away_ms, Act::Restart(ion));
        } else {
            self.ions[ion].disks = Disks::default();
            self.plan(away_ms / 10, Act::Replace(ion));
            for file in ledger.files.iter_mut().filter(|file| file.file.is_some()) {
                file.is_lost |= !self.is_held(file);
            }
        }
    }

    /// Whoever crashed and has its disk is back.
    fn return_all(&mut self) {
        for ion in 0..self.ions.len() {
            if !self.ions[ion].is_alive && self.ions[ion].disks.have_any() {
                self.restart(ion);
            }
        }
    }

    /// What users were told of what they brought in.
    fn hear_imports(&mut self, ledger: &mut Ledger) {
        for ion in 0..self.ions.len() {
            for event in self.take_told(ion) {
                let Event::Files(News::Imported { import, result, .. }) = event else { continue };
                match result {
                    Ok(file) => {
                        let place = usize::try_from(import).unwrap_or(usize::MAX);
                        ledger.files[place].file = Some(file);
                    }
                    Err(problem) => self.fail(|| format!("file {import}: {}", problem.why)),
                }
            }
        }
    }

    /// Somebody who lacks it reads each of them.
    fn read_all(&mut self, files: &[&Brought]) -> Result<(), Failure> {
        let mut open: BTreeSet<u64> = BTreeSet::new();
        for file in files {
            let picks: Vec<IonIndex> = (0..READER_PICKS).map(|_| self.any_living()).collect();
            let reader = picks.into_iter().find(|ion| !self.is_held_by(file, *ion));
            let Some((reader, name)) = reader.zip(file.file.clone()) else { continue };
            let (request, bytes) = (file.source, file.bytes.min(READ_BYTES_MAX));
            self.command(
                reader,
                Command::Files(Wish::Read { request, file: name, from: 0, bytes }),
            );
            open.insert(request);
        }
        let until_ms = self.now_ms + READ_MS_MAX;
        while !open.is_empty() {
            self.run_for(LOOK_MS)?;
            for ion in 0..self.ions.len() {
                for event in self.take_told(ion) {
                    let Event::Files(News::Read { request, result }) = event else { continue };
                    open.remove(&request);
                    let file = files.iter().find(|file| file.source == request);
                    let bytes = file.map_or(0, |file| file.bytes.min(READ_BYTES_MAX));
                    match result {
                        Ok(read) if *read == made_up(request, 0, bytes) => {}
                        Ok(_) => self.fail(|| format!("file {request} is read with other bytes")),
                        Err(why) => self.fail(|| format!("file {request}: {}", why.why)),
                    }
                }
            }
            if self.now_ms > until_ms {
                self.fail(|| format!("nobody was told of what was read of files {open:?}"));
            }
        }
        // What was told last counts too.
        self.run_for(LOOK_MS)
    }
}
