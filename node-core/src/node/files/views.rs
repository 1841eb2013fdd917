//! What the user sees of the files.

use super::{
    FileView, GoalView, ImportView, LIST_MAX, News, OURS, RowKind, RowView, StoreView,
    program::{folder, tell},
};
use crate::{
    node::{
        machine::{Effect, Node},
        words,
    },
    store::{
        chunk::Cid,
        files::{File, FilePath, Goal, JOBS, Kind, Known, Shown, What},
        library,
    },
};

impl Node {
    /// What a folder shows; with `after`, what was deleted below it behind that
    /// path.
    pub(super) fn list_files(
        &self,
        request: u64,
        path: &str,
        after: Option<&str>,
        effects: &mut Vec<Effect>,
    ) {
        let tree = self.files.library.tree();
        let shown = folder(path).map(|folder| {
            let mut shown = match after {
                None => tree.list(folder.as_ref()),
                Some(_) => tree.deleted(folder.as_ref()),
            };
            // Records of jobs are shown with the jobs.
            shown.retain(|one| {
                one.path.as_str() > after.unwrap_or_default()
                    && one.path.as_str().split('/').next() != Some(JOBS)
            });
            shown
        });
        let is_more = shown.as_ref().is_ok_and(|rows| rows.len() > LIST_MAX);
        let rows = |shown: Vec<Shown>| {
            shown.into_iter().take(LIST_MAX).map(|shown| self.row_view(shown)).collect()
        };
        let refused = |why| words::not_listed(&library::Error::Refused(why));
        let result = shown.map(rows).map_err(refused);
        let goal = self.goal_view(path);
        tell(News::Listed { request, result, is_more, goal }, effects);
    }

    pub(super) fn list_versions(&self, request: u64, path: &str, effects: &mut Vec<Effect>) {
        let rows = path.parse().map(|path: FilePath| {
            let versions = self.files.library.tree().versions(&path);
            versions.into_iter().map(|known| self.version_view(&path, known)).collect()
        });
        let refused = |why| words::not_listed(&library::Error::Refused(why));
        tell(News::Versions { request, result: rows.map_err(refused) }, effects);
    }

    /// What is pinned, and where it stands.
    pub(super) fn list_pinned(&self, request: u64, effects: &mut Vec<Effect>) {
        let row = |pin: &Cid| {
            let tree = self.files.library.tree();
            let named = tree.files().find(|(_, file)| file.manifest == *pin);
            let unnamed =
                File { manifest: *pin, size: 0, media_type: String::new(), modified_ms: 0 };
            let path = named.map(|(path, _)| path.to_string()).unwrap_or_default();
            RowView {
                name: path.clone(),
                path,
                kind: RowKind::File,
                version: String::new(),
                author: String::new(),
                author_name: String::new(),
                at_ms: 0,
                goal: GoalView::default(),
                file: Some(self.file_view(named.map_or(&unnamed, |(_, file)| file))),
            }
        };
        let rows = self.settings.pins.iter().map(row).collect();
        let goal = GoalView::default();
        tell(News::Listed { request, result: Ok(rows), is_more: false, goal }, effects);
    }

    fn row_view(&self, shown: Shown) -> RowView {
        let (kind, file) = match shown.kind {
            Kind::Folder => (RowKind::Folder, None),
            Kind::File(file) => (RowKind::File, Some(file)),
            Kind::Conflict(file) => (RowKind::Conflict, Some(file)),
            Kind::Deleted(file) => (RowKind::Deleted, Some(file)),
        };
        RowView {
            name: shown.name,
            path: shown.path.to_string(),
            kind,
            version: shown.id.map(|id| id.to_string()).unwrap_or_default(),
            author: shown.author.map(|author| author.to_string()).unwrap_or_default(),
            author_name: shown.author.map(|author| self.name_of(&author)).unwrap_or_default(),
            at_ms: shown.stamp.map_or(0, |stamp| stamp.ms),
            goal: self.goal_view(shown.path.as_str()),
            file: file.map(|file| self.file_view(&file)),
        }
    }

    fn version_view(&self, path: &FilePath, known: &Known) -> RowView {
        let (kind, file) = match &known.version.what {
            What::File(file) => (RowKind::File, Some(self.file_view(file))),
            What::Folder => (RowKind::Folder, None),
            What::Gone => (RowKind::Deleted, None),
        };
        RowView {
            name: path.name().to_owned(),
            path: path.to_string(),
            kind,
            version: known.id.to_string(),
            author: known.author.to_string(),
            author_name: self.name_of(&known.author),
            at_ms: known.stamp.ms,
            goal: self.goal_view(path.as_str()),
            file,
        }
    }

    fn goal_view(&self, path: &str) -> GoalView {
        let Goal { copies, is_own, .. } = self.files.library.tree().goal(path);
        GoalView { copies, is_own }
    }

    fn file_view(&self, file: &File) -> FileView {
        let copies = self.files.library.copies(&file.manifest, file.size);
        FileView {
            file: file.manifest.to_string(),
            bytes: file.size,
            media_type: file.media_type.clone(),
            modified_ms: file.modified_ms,
            copies: small(copies.live),
            goal: small(copies.goal),
            here_bytes: copies.here_bytes,
            is_fetching: copies.is_fetching,
            is_only_here: copies.is_only_here,
            is_pinned: copies.is_pinned,
            loss_ppm: millionths(copies.loss),
        }
    }

    pub(super) fn import_views(&self) -> Vec<ImportView> {
        let view = |one: library::Progress| ImportView {
            import: one.import,
            path: one.path,
            bytes: one.bytes,
            done_bytes: one.done_bytes,
            bytes_per_second: one.bytes_per_second,
            is_paused: one.is_paused,
            is_left: one.is_left,
        };
        let by_user = |one: &library::Progress| one.import & OURS == 0;
        self.files.library.imports().filter(by_user).map(view).collect()
    }

    pub(super) fn store_view(&self) -> StoreView {
        let summary = self.files.library.summary();
        let (all_bytes, mail_bytes) = self.memory_bytes();
        StoreView {
            pinned_bytes: summary.kinds.pinned,
            own_bytes: summary.kinds.own,
            copies_bytes: summary.kinds.copies,
            passing_bytes: summary.kinds.passing,
            state_bytes: (all_bytes - mail_bytes) as u64,
            mail_bytes: mail_bytes as u64,
            gives_mib: summary.gives_mib,
            held_bytes: summary.held_bytes,
            only_here_bytes: summary.only_here_bytes,
            others: small(summary.others),
            fetching: small(summary.fetching),
            used_bytes: self.files.usage.0,
            quota_bytes: self.files.usage.1,
            is_kept: self.files.is_kept,
        }
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Between 0 and a million, rounded up: what may happen is not told to be
/// impossible.
fn millionths(probability: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
    let ppm = (probability * 1e6).ceil().clamp(0.0, 1e6) as u32;
    ppm
}
