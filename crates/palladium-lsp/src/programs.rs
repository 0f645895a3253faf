//! The programs that open documents belong to, each read once until something changes.
//!
//! A file belongs to the program of the nearest `main.pd` in its folder or one above it, if that
//! imports it; else it is a program of its own.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iridium_isa::FileId;
use palladium::analysis::Analysis;
use palladium::diag::Place;

use crate::documents::Documents;
use crate::files::{Folder, read};
use crate::library::Library;
use crate::position::{Lines, Range};
use crate::protocol::Location;
use crate::sources::in_folder;

/// Folders above that of a file in which its `main.pd` is looked for.
const MAX_ABOVE: usize = 8;
/// Files of a folder that are looked into for the places of a name.
const MAX_FILES: usize = 2000;
/// So many replaced programs are kept at most.
const MAX_REPLACED: usize = 8;

/// A program.
#[derive(Debug)]
pub(crate) struct Program {
    /// Its first file, or the file of a module of the library.
    pub(crate) root: PathBuf,
    pub(crate) analysis: Analysis,
    /// By the ids of files; those of the library have none until one is shown.
    paths: Vec<Option<PathBuf>>,
    /// By the ids of files, made when one is asked for.
    lines: Vec<Option<Lines>>,
    /// Something has changed since it was read.
    is_stale: bool,
}

/// All programs that were asked about.
#[derive(Debug)]
pub(crate) struct Programs {
    programs: Vec<Program>,
    /// Those that were replaced. To give back what they take costs time, so it waits until nobody is
    /// asking.
    replaced: VecDeque<Program>,
    /// The open documents whose programs may not be up to date, and those whose programs may not be
    /// checked in full.
    unread: Vec<PathBuf>,
    unchecked: Vec<PathBuf>,
    library: Library,
    /// The folders that are open in the editor.
    pub(crate) folders: Vec<PathBuf>,
}

impl Program {
    fn new(root: &Path, analysis: Analysis) -> Self {
        let mut program = Self {
            root: root.to_owned(),
            paths: Vec::new(),
            lines: Vec::new(),
            is_stale: false,
            analysis,
        };
        program.look_at_files();
        program
    }

    /// Answers may need files of the library that the check did not.
    fn look_at_files(&mut self) {
        let files = self.analysis.files().iter().enumerate();
        for (nth, file) in files.skip(self.paths.len()) {
            let is_library = self.analysis.library_module(FileId(nth as u32)).is_some();
            self.paths.push((!is_library).then(|| PathBuf::from(&*file.name)));
            self.lines.push(None);
        }
    }

    /// The id of a file.
    pub(crate) fn file(&self, path: &Path) -> Option<FileId> {
        let nth = self.paths.iter().position(|own| own.as_deref() == Some(path))?;
        Some(FileId(nth as u32))
    }

    /// The files of the user.
    pub(crate) fn files(&self) -> Vec<(FileId, PathBuf)> {
        let files = (0..self.paths.len() as u32).map(FileId);
        files.filter_map(|file| Some((file, self.own_path(file)?))).collect()
    }

    /// The path of a file of the user.
    pub(crate) fn own_path(&self, file: FileId) -> Option<PathBuf> {
        let own = self.analysis.library_module(file).is_none();
        self.paths.get(file.0 as usize).filter(|_| own)?.clone()
    }

    pub(crate) fn lines(&mut self, file: FileId) -> &Lines {
        self.look_at_files();
        let text = &self.analysis.files()[file.0 as usize].text;
        self.lines[file.0 as usize].get_or_insert_with(|| Lines::new(Arc::clone(text)))
    }

    /// A place as the editor counts it.
    pub(crate) fn range(&mut self, place: &Place) -> Range {
        let span = place.span.clone();
        self.lines(place.file).range(&span)
    }
}

impl Programs {
    pub(crate) fn new(library: Library) -> Self {
        let (programs, replaced, unread, unchecked, folders) = Default::default();
        Self { programs, replaced, unread, unchecked, library, folders }
    }

    /// A file has other contents.
    pub(crate) fn changed(&mut self, path: &Path) {
        for program in &mut self.programs {
            program.is_stale |= program.file(path).is_some();
        }
    }

    /// Files may have come or gone, or have changed on disk.
    pub(crate) fn all_changed(&mut self) {
        self.programs.iter_mut().for_each(|program| program.is_stale = true);
    }

    /// What is wrong with the programs of these documents is to be found out.
    pub(crate) fn begin_check(&mut self, documents: &Documents) {
        self.unread = documents.paths().map(Path::to_path_buf).collect();
        self.unchecked.clone_from(&self.unread);
    }

    /// Reads a program that is to be checked, or checks the next part of it. Whether all are checked.
    pub(crate) fn check_next(&mut self, documents: &Documents) -> bool {
        if let Some(path) = self.unread.pop() {
            self.of(&path, documents);
            return false;
        }
        while let Some(path) = self.unchecked.last().cloned() {
            if let Some((program, _)) = self.of(&path, documents)
                && !program.analysis.check_next()
            {
                return false;
            }
            self.unchecked.pop();
        }
        true
    }

    /// Gives back what a program takes that was replaced; false when there is none.
    pub(crate) fn drop_replaced(&mut self) -> bool {
        self.replaced.pop_front().is_some()
    }

    /// Forgets what no open document belongs to.
    pub(crate) fn keep_open(&mut self, documents: &Documents) {
        self.programs.retain(|program| {
            documents.paths().any(|path| path == program.root || program.file(path).is_some())
        });
    }

    /// The program that a file belongs to, and its id in it.
    pub(crate) fn of(
        &mut self,
        path: &Path,
        documents: &Documents,
    ) -> Option<(&mut Program, FileId)> {
        let (nth, file) = self.number_of(path, documents)?;
        Some((&mut self.programs[nth], file))
    }

    /// Where a place is, in a program that it was found in.
    pub(crate) fn location(
        &mut self,
        of: &Path,
        place: &Place,
        documents: &Documents,
    ) -> Option<Location> {
        let program = self.programs.iter_mut().find(|program| program.root == of)?;
        location(program, &self.library, place, documents)
    }

    /// The root of the program that a file belongs to.
    pub(crate) fn root_of(&mut self, path: &Path, documents: &Documents) -> Option<PathBuf> {
        let (nth, _) = self.number_of(path, documents)?;
        Some(self.programs[nth].root.clone())
    }

    /// All programs in the folders around a file that may know what is declared in another: each
    /// with the place of the declaration in it. `name` is a text that they all contain.
    pub(crate) fn knowing(
        &mut self,
        root: &Path,
        (declared_in, span): (&Path, &std::ops::Range<u32>),
        name: &str,
        documents: &Documents,
    ) -> Vec<(PathBuf, Place)> {
        let mut folders = self.folders.clone();
        if folders.iter().all(|folder| !root.starts_with(folder)) {
            folders.extend(root.parent().map(Path::to_path_buf));
        }
        let mut files: Vec<PathBuf> =
            folders.iter().flat_map(|folder| in_folder(folder, MAX_FILES).files).collect();
        files.insert(0, root.to_owned());
        files.dedup();
        let mut roots: Vec<PathBuf> = Vec::new();
        for file in files {
            let known = self.programs.iter().any(|program| {
                !program.is_stale && roots.contains(&program.root) && program.file(&file).is_some()
            });
            let has_name = || read(&file, documents).is_ok_and(|text| text.contains(name));
            if !known && has_name() && self.read(&file, documents).is_some() {
                roots.push(file);
            }
        }
        let programs = self.programs.iter().filter(|program| roots.contains(&program.root));
        let place = |program: &Program| {
            let file = program.file(declared_in)?;
            Some((program.root.clone(), Place { file, span: span.clone() }))
        };
        programs.filter_map(place).collect()
    }

    /// The program that begins in a file, if it was read.
    pub(crate) fn at(&mut self, root: &Path) -> Option<&mut Program> {
        self.programs.iter_mut().find(|program| program.root == root)
    }

    fn number_of(&mut self, path: &Path, documents: &Documents) -> Option<(usize, FileId)> {
        if let Some(module) = self.library.module(path) {
            return self.library_number(path, &module);
        }
        let mut folder = path.parent();
        for _ in 0..MAX_ABOVE {
            let Some(above) = folder else { break };
            let main = above.join("main.pd");
            let is_there = documents.get(&main).is_some() || main.is_file();
            if is_there
                && let Some(nth) = self.read(&main, documents)
                && let Some(file) = self.programs[nth].file(path)
            {
                return Some((nth, file));
            }
            folder = above.parent();
        }
        let nth = self.read(path, documents)?;
        Some((nth, self.programs[nth].file(path)?))
    }

    /// The number of the program that begins in a file, read now if it is not up to date.
    fn read(&mut self, root: &Path, documents: &Documents) -> Option<usize> {
        let known = self.programs.iter().position(|program| program.root == root);
        if let Some(nth) = known.filter(|nth| !self.programs[*nth].is_stale) {
            return Some(nth);
        }
        let before = known.map(|nth| &self.programs[nth].analysis);
        let program = analyse(root, documents, None, before);
        match (known, program) {
            (Some(nth), Some(analysis)) => {
                if self.replaced.len() == MAX_REPLACED {
                    self.replaced.pop_front();
                }
                let new = Program::new(root, analysis);
                self.replaced.push_back(std::mem::replace(&mut self.programs[nth], new));
                Some(nth)
            }
            (None, Some(analysis)) => {
                self.programs.push(Program::new(root, analysis));
                Some(self.programs.len() - 1)
            }
            (Some(nth), None) => {
                self.programs.remove(nth);
                None
            }
            (None, None) => None,
        }
    }

    fn library_number(&mut self, path: &Path, module: &str) -> Option<(usize, FileId)> {
        let known = self.programs.iter().position(|program| program.root == path);
        let nth = match known {
            Some(nth) => nth,
            None => {
                let mut program = Program::new(path, Analysis::of_library(module)?);
                let files = 0..program.paths.len() as u32;
                let mut files = files.map(FileId);
                let is_it = |file: &FileId| program.analysis.library_module(*file) == Some(module);
                let file = files.find(is_it)?;
                program.paths[file.0 as usize] = Some(path.to_owned());
                self.programs.push(program);
                self.programs.len() - 1
            }
        };
        Some((nth, self.programs[nth].file(path)?))
    }
}

/// Reads the program that begins in a file, with other texts in the place of some of its files.
/// `before` is the program as it was.
pub(crate) fn analyse(
    root: &Path,
    documents: &Documents,
    instead: Option<&BTreeMap<PathBuf, Arc<str>>>,
    before: Option<&Analysis>,
) -> Option<Analysis> {
    let folder = root.parent()?.to_owned();
    let name = root.file_name()?.to_string_lossy().into_owned();
    let mut files = Folder { folder, documents, instead };
    let read = match before {
        Some(before) => before.again(&name, &mut files),
        None => Analysis::of(&name, &mut files),
    };
    read.ok()
}

/// Where a place of a program is. A file of the library is written, so that it can be shown.
fn location(
    program: &mut Program,
    library: &Library,
    place: &Place,
    documents: &Documents,
) -> Option<Location> {
    program.look_at_files();
    let nth = place.file.0 as usize;
    if program.paths.get(nth)?.is_none() {
        let module = program.analysis.library_module(place.file)?;
        let path = library.file(module, &program.analysis.files()[nth].text)?;
        program.paths[nth] = Some(path);
    }
    let uri = documents.uri(program.paths[nth].as_deref()?);
    Some(Location { uri, range: program.range(place) })
}
