//! The files' machine among the others.

use super::{GIVE_MIB_MAX, News, PINS_MAX, StoreView, Wish};
use crate::{
    identity::IonId,
    network::{mesh, wire::Room},
    node::{
        event::Event,
        machine::{Effect, Node, Step},
        words,
    },
    platform::Time,
    records,
    store::{
        blocks,
        chunk::Cid,
        files::{FilePath, Refusal, SPACE, VersionId},
        kv::{self, Space},
        library::{self, Edit, GIVES_MIB, Input, Library, Parcel},
        manifest::{MEDIA_TYPE_ANY, check_media_type},
    },
};

/// Marks what the files ask of the shared memory, apart from what users do.
pub(in crate::node) const OURS: u64 = 1 << 63;
/// The watch of names.
pub(in crate::node) const NAMES_WATCH: u64 = OURS;
/// The watch of who holds what.
pub(in crate::node) const HOLDS_WATCH: u64 = OURS + 1;
/// How often the machine learns who is there, in milliseconds.
const LIVE_MS: u64 = 1_000;
/// The least time between two tellings of what changed, in milliseconds.
const TOLD_MS: u64 = 250;
/// How often the machine is asked for the disk's use while somebody watches, in
/// milliseconds.
const USAGE_MS: u64 = 10_000;

/// The files of the present nebula, and who is told of them.
pub(in crate::node) struct Files {
    pub(in crate::node) library: Library,
    life: u64,
    /// What the nebula's disk is called; empty while there is none.
    disk: String,
    is_watched: bool,
    live_at: Option<Time>,
    told_at: Option<Time>,
    usage_at: Option<Time>,
    /// How many imports were told of, and whether any went on.
    told_imports: (usize, bool),
    pub(super) usage: (u64, u64),
    pub(super) is_kept: bool,
    told: StoreView,
}

impl Files {
    pub(in crate::node) fn new(own: IonId, seed: u64, now: Time) -> Self {
        Self {
            library: Library::new(own, seed, now),
            life: 0,
            disk: String::new(),
            is_watched: false,
            live_at: None,
            told_at: None,
            usage_at: None,
            told_imports: (0, false),
            usage: (0, 0),
            is_kept: false,
            told: StoreView::default(),
        }
    }
}

impl Node {
    /// From now on the files are those of another nebula, on the disk of that
    /// name.
    pub(in crate::node) fn begin_files(&mut self, disk: String, effects: &mut Vec<Effect>) {
        self.files.life += 1;
        self.files.disk.clone_from(&disk);
        self.push(Step::Files(Input::Clock(self.wall_ms)));
        self.push(Step::Files(Input::Begin));
        self.push(Step::Files(Input::Give(self.settings.gives_mib.unwrap_or(GIVES_MIB))));
        self.push(Step::Files(Input::Pins(self.settings.pins.clone())));
        let names = Space::Members(SPACE.to_owned()).span("").0;
        self.push(Step::Kv(kv::machine::Input::Watch(NAMES_WATCH, names)));
        self.push(Step::Kv(kv::machine::Input::Watch(HOLDS_WATCH, vec![b'o'])));
        effects.push(Effect::Blocks(blocks::Order::Open(self.files.life, disk)));
        self.begin_records();
    }

    /// What the disk tells.
    pub(in crate::node) fn blocks(
        &mut self,
        life: u64,
        news: blocks::News,
        effects: &mut Vec<Effect>,
    ) {
        if life != self.files.life {
            return;
        }
        let input = match news {
            blocks::News::Records(records) => Input::Records(records),
            blocks::News::Opened(is_kept) => {
                self.files.is_kept = is_kept;
                Input::Opened(is_kept)
            }
            blocks::News::Written(number, result) => Input::Written(number, result),
            blocks::News::Bytes(cid, bytes) => Input::Bytes(cid, bytes),
            blocks::News::Source(source, result) => Input::Source(source, result),
            blocks::News::Usage(used, quota) => {
                self.files.usage = (used, quota);
                return self.files.library.touch();
            }
            blocks::News::Lost => {
                effects.push(Effect::Tell(Event::Problem(words::files_lost())));
                self.begin_files(self.files.disk.clone(), effects);
                return self.push(Step::Names(None));
            }
        };
        self.push(Step::Files(input));
    }

    pub(in crate::node) fn wish_files(&mut self, wish: Wish, effects: &mut Vec<Effect>) {
        match wish {
            Wish::Import { import, path, media_type, modified_ms, bytes } => {
                self.import_file(import, &path, (media_type, modified_ms, bytes), effects);
            }
            Wish::Pause { import, paused } => self.push(Step::Files(Input::Pause(import, paused))),
            Wish::CancelImport { import } => self.push(Step::Files(Input::Cancel(import))),
            Wish::List { request, folder, deleted, after } => {
                let after = deleted.then_some(after.as_str());
                self.list_files(request, &folder, after, effects);
            }
            Wish::Versions { request, path } => self.list_versions(request, &path, effects),
            Wish::MakeFolder { request, path } => {
                self.edit_files(request, path.parse().map(Edit::Folder), effects);
            }
            Wish::Remove { request, path } => {
                self.edit_files(request, path.parse().map(Edit::Remove), effects);
            }
            Wish::Rename { request, from, to } => {
                let both = from.parse().and_then(|from| Ok(Edit::Rename(from, to.parse()?)));
                self.edit_files(request, both, effects);
            }
            Wish::Restore { request, path, version } => {
                let id = VersionId::parse(&version).ok_or(Refusal::Malformed);
                let edit = path.parse().and_then(|path| Ok(Edit::Restore(path, id?)));
                self.edit_files(request, edit, effects);
            }
            Wish::Erase { request, path } => {
                self.edit_files(request, path.parse().map(Edit::Erase), effects);
            }
            Wish::SetGoal { request, path, copies } => {
                let edit = folder(&path).map(|path| Edit::Goal(path, copies));
                self.edit_files(request, edit, effects);
            }
            Wish::Read { request, file, from, bytes } => {
                if let Ok(file) = file.parse() {
                    self.push(Step::Files(Input::Read { request, file, from, bytes }));
                } else {
                    let result = Err(words::not_read(&library::Error::NoFile));
                    tell(News::Read { request, result }, effects);
                }
            }
            Wish::CancelRead { request } => self.push(Step::Files(Input::CancelRead(request))),
            Wish::Pin { file, pinned } => self.pin_file(&file, pinned, effects),
            Wish::Give { mib } => {
                let mib = mib.min(GIVE_MIB_MAX);
                self.settings.gives_mib = Some(mib);
                effects.push(Effect::Save(self.settings.clone()));
                self.push(Step::Files(Input::Give(mib)));
            }
            Wish::ListPinned { request } => self.list_pinned(request, effects),
            Wish::Leave => self.push(Step::Files(Input::Leave)),
            Wish::Watch { watching } => {
                self.files.is_watched = watching;
                (self.files.told_at, self.files.usage_at) = (None, None);
                self.files.told = StoreView::default();
            }
        }
    }

    fn import_file(
        &mut self,
        import: u64,
        path: &str,
        (media_type, modified_ms, bytes): (String, u64, u64),
        effects: &mut Vec<Effect>,
    ) {
        let is_type = check_media_type(&media_type).is_ok();
        let media_type = if is_type { media_type } else { MEDIA_TYPE_ANY.to_owned() };
        match path.parse() {
            Ok(path) => {
                let parcel = Parcel { path, media_type, modified_ms, bytes };
                self.push(Step::Files(Input::Import(import, parcel)));
            }
            Err(why) => {
                effects.push(Effect::Blocks(blocks::Order::Forget(import)));
                let result = Err(words::not_brought_in(&library::Error::Refused(why)));
                tell(News::Imported { import, path: path.to_owned(), result }, effects);
            }
        }
    }

    fn edit_files(&mut self, request: u64, edit: Result<Edit, Refusal>, effects: &mut Vec<Effect>) {
        match edit {
            Ok(edit) => self.push(Step::Files(Input::Edit(request, edit))),
            Err(why) => {
                let result = Err(words::not_changed(&library::Error::Refused(why)));
                tell(News::Done { request, result }, effects);
            }
        }
    }

    fn pin_file(&mut self, file: &str, pinned: bool, effects: &mut Vec<Effect>) {
        let Ok(file) = file.parse::<Cid>() else { return };
        let pins = &mut self.settings.pins;
        pins.retain(|other| *other != file);
        if pinned && pins.len() == PINS_MAX {
            return effects.push(Effect::Tell(Event::Problem(words::too_many_pins())));
        }
        if pinned {
            pins.push(file);
        }
        self.push(Step::Files(Input::Pins(self.settings.pins.clone())));
        effects.push(Effect::Save(self.settings.clone()));
    }

    /// Time passes for the files.
    pub(in crate::node) fn tick_files(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let neighbours = self.mesh.neighbours().all();
        let linked = neighbours.iter().map(|neighbour| neighbour.ion).collect();
        self.push(Step::Files(Input::Clock(self.wall_ms)));
        self.push(Step::Files(Input::Links(linked)));
        if self.files.live_at.is_none_or(|at| now.since_ms(at) >= LIVE_MS) {
            self.files.live_at = Some(now);
            let live = self.mesh.directory().entries().keys().copied().collect();
            self.push(Step::Files(Input::Live(live)));
        }
        self.push(Step::Files(Input::Tick));
        let is_due = self.files.usage_at.is_none_or(|at| now.since_ms(at) >= USAGE_MS);
        if self.files.is_watched && is_due && self.files.life > 0 {
            self.files.usage_at = Some(now);
            effects.push(Effect::Blocks(blocks::Order::Usage(self.files.life)));
        }
    }

    pub(in crate::node) fn step_files(
        &mut self,
        now: Time,
        input: Input,
        effects: &mut Vec<Effect>,
    ) {
        let mut asked = Vec::new();
        self.files.library.handle(now, input, &mut asked);
        for effect in asked {
            self.asked_by_files(effect, effects);
        }
    }

    fn asked_by_files(&mut self, effect: library::Effect, effects: &mut Vec<Effect>) {
        use library::Effect as Asked;
        let life = self.files.life;
        match effect {
            Asked::Write(number, changes) => {
                effects.push(Effect::Blocks(blocks::Order::Write(life, number, changes)));
            }
            Asked::Read(cid) => effects.push(Effect::Blocks(blocks::Order::Read(life, cid))),
            Asked::Source(source, from, bytes) if source & OURS != 0 => {
                self.push(Step::Records(records::Input::Source(source & !OURS, from, bytes)));
            }
            Asked::Source(source, from, bytes) => {
                effects.push(Effect::Blocks(blocks::Order::Source(life, source, from, bytes)));
            }
            Asked::Forget(source) if source & OURS != 0 => {}
            Asked::Forget(source) => effects.push(Effect::Blocks(blocks::Order::Forget(source))),
            Asked::Put(ticket, changes) => {
                let ticket = ticket | OURS;
                self.push(Step::Kv(kv::machine::Input::Put { ticket, changes }));
            }
            Asked::Say(ion, bytes) => {
                self.push(Step::Mesh(mesh::Input::Say(ion, Room::Store, bytes)));
            }
            Asked::Useful(ion) => self.push(Step::Mesh(mesh::Input::Useful(ion))),
            Asked::Needed(ion) => self.push(Step::Mesh(mesh::Input::Needed(ion))),
            Asked::Offence(ion) => self.push(Step::Mesh(mesh::Input::Offence(ion))),
            Asked::Imported(import, _, result) if import & OURS != 0 => {
                self.push(Step::Records(records::Input::Stored(import & !OURS, result.is_ok())));
            }
            Asked::Imported(import, path, result) => {
                let (path, result) = (path.to_string(), result.map(|file| file.to_string()));
                let result = result.map_err(|why| words::not_brought_in(&why));
                tell(News::Imported { import, path, result }, effects);
            }
            Asked::Edited(request, _) if request & OURS != 0 => self.record_edited(request),
            Asked::Edited(request, result) => {
                let result = result.map_err(|why| words::not_changed(&why));
                tell(News::Done { request, result }, effects);
            }
            Asked::Bytes(request, result) if request & OURS != 0 => {
                self.push(Step::Records(records::Input::Read(request & !OURS, result.ok())));
            }
            Asked::Bytes(request, result) => {
                let result = result.map(Into::into).map_err(|why| words::not_read(&why));
                tell(News::Read { request, result }, effects);
            }
        }
    }

    /// Tells what changed of the files, where it was not told a moment ago.
    pub(in crate::node) fn report_files(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.files.told_at.is_some_and(|at| now.since_ms(at) < TOLD_MS) {
            return;
        }
        let imports = self.import_views();
        let standing = (imports.len(), imports.iter().any(|one| !one.is_left));
        let before = std::mem::replace(&mut self.files.told_imports, standing);
        if standing != before || standing.1 {
            self.files.told_at = Some(now);
            tell(News::Imports(imports), effects);
        }
        if !self.files.is_watched {
            return;
        }
        if !self.files.library.take_changed() && self.files.told_at.is_some() {
            return;
        }
        tell(News::Changed, effects);
        self.files.told_at = Some(now);
        let store = self.store_view();
        if store != self.files.told {
            self.files.told = store.clone();
            tell(News::Store(store), effects);
        }
    }
}

/// A folder's path; the empty one is the folder that all are in.
pub(super) fn folder(text: &str) -> Result<Option<FilePath>, Refusal> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

pub(super) fn tell(news: News, effects: &mut Vec<Effect>) {
    effects.push(Effect::Tell(Event::Files(news)));
}
