//! Targets by token, from a file or a directory of files: [`TargetMap`].
//!
//! # How it works
//! Whoever looks for a token looks first, once a second at most, whether a file has changed; on a thread of its own,
//! since a disk may be slow. Others meanwhile find what was there before. A file that cannot be read keeps what was read
//! of it before, and one that has gone from a directory takes its targets along.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{task::spawn_blocking, time::Instant};

use super::{address::SocketAddress, token::Token};
use crate::regular_file;

/// How often it is looked at most whether a file has changed.
const LOOK: Duration = Duration::from_secs(1);

/// Bytes of the longest file that is read: a hundred thousand targets. A longer one is hardly a map.
const LONGEST_FILE: u64 = 16 << 20;

/// Targets by token; clones are the same.
#[derive(Debug, Clone)]
pub struct TargetMap(Arc<Map>);

#[derive(Debug)]
struct Map {
    path: PathBuf,
    /// When it may be looked at again; `None` at first.
    next_look: Mutex<Option<Instant>>,
    /// Held by who looks, and by nobody who serves.
    files: Mutex<Files>,
    targets: Mutex<Arc<HashMap<Token, SocketAddress>>>,
}

/// What was read, and what of it was said.
#[derive(Debug, Default)]
struct Files {
    by_path: BTreeMap<PathBuf, MapFile>,
    /// Why the directory could not be read the last time.
    directory_fault: Option<String>,
}

/// A file as it was read.
#[derive(Debug, Default)]
struct MapFile {
    /// `None` when it could not be read.
    stamp: Option<Stamp>,
    targets: Vec<(Token, SocketAddress)>,
    /// How many of its tokens lead elsewhere.
    doubled: usize,
}

/// What changes with a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    size: u64,
    times: [(i64, i64); 2],
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Stamp {
            inode: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            times: [
                (metadata.mtime(), metadata.mtime_nsec()),
                (metadata.ctime(), metadata.ctime_nsec()),
            ],
        }
    }
}

impl TargetMap {
    /// Reads a file, or all files of a directory but the hidden ones; and what is wrong with its lines, a sentence
    /// each.
    ///
    /// # Errors
    /// When there is no such file or directory, or it cannot be read.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<String>)> {
        let metadata = path.metadata()?;
        match metadata.is_dir() {
            true => drop(fs::read_dir(path)?),
            false => drop(regular_file::open(path)?),
        }
        let map = Map {
            path: path.to_owned(),
            next_look: Mutex::new(None),
            files: Mutex::default(),
            targets: Mutex::default(),
        };
        let faults = map.refresh();
        Ok((TargetMap(Arc::new(map)), faults))
    }

    /// The target of a token. Cancel safe: yes.
    pub async fn find(&self, token: &Token) -> Option<SocketAddress> {
        if self.0.is_due() {
            let map = Arc::clone(&self.0);
            let looking = spawn_blocking(move || {
                for fault in map.refresh() {
                    // As at the start: the server goes on, with the other targets.
                    tracing::warn!("{fault}");
                }
            });
            // It is not cancelled by who waits.
            let _ = looking.await;
        }
        let targets = Arc::clone(&self.0.targets.lock());
        targets.get(token).cloned()
    }

    /// Any target, if there is one.
    pub fn any(&self) -> Option<SocketAddress> {
        self.0.targets.lock().values().next().cloned()
    }
}

impl Map {
    /// Whether it is to be looked at now, by who asks.
    fn is_due(&self) -> bool {
        let now = Instant::now();
        let mut next = self.next_look.lock();
        let is_due = next.is_none_or(|next| now >= next);
        if is_due {
            *next = Some(now + LOOK);
        }
        is_due
    }

    /// Reads what has changed; what is wrong with that, and was not before.
    fn refresh(&self) -> Vec<String> {
        let mut files = self.files.lock();
        let mut faults = Vec::new();
        let has_changed = match self.is_directory(&files) {
            true => self.refresh_directory(&mut files, &mut faults),
            false => {
                files.by_path.retain(|path, _| *path == self.path);
                let file = files.by_path.entry(self.path.clone()).or_default();
                file.refresh(&self.path, &mut faults)
            }
        };
        if has_changed {
            *self.targets.lock() = Arc::new(merged(&mut files.by_path, &mut faults));
        }
        faults
    }

    /// Whether it is a directory, or was before it went.
    fn is_directory(&self, files: &Files) -> bool {
        self.path.is_dir() || !files.by_path.contains_key(&self.path) && !self.path.exists()
    }

    fn refresh_directory(&self, files: &mut Files, faults: &mut Vec<String>) -> bool {
        let there = match files_in(&self.path) {
            Ok(there) => there,
            Err(error) => {
                let path = self.path.display();
                let fault = Some(format!("{path}: {error}; its targets stay as they were"));
                if files.directory_fault != fault {
                    faults.extend(fault.clone());
                    files.directory_fault = fault;
                }
                return false;
            }
        };
        files.directory_fault = None;
        let files = &mut files.by_path;
        let before = files.len();
        files.retain(|path, _| there.contains(path));
        let mut has_changed = files.len() != before;
        for path in there {
            let file = files.entry(path.clone()).or_default();
            has_changed |= file.refresh(&path, faults);
        }
        has_changed
    }
}

/// The files of a directory, but the hidden ones: those of editors, and links of container engines.
fn files_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let path = entry.path();
        if !is_hidden && path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// All targets; the first of a token that stands twice.
fn merged(
    files: &mut BTreeMap<PathBuf, MapFile>,
    faults: &mut Vec<String>,
) -> HashMap<Token, SocketAddress> {
    let mut targets = HashMap::new();
    for (path, file) in files {
        let mut doubled = 0;
        for (token, target) in &file.targets {
            match targets.contains_key(token) {
                true => doubled += 1,
                false => drop(targets.insert(token.clone(), target.clone())),
            }
        }
        let is_told = file.doubled == doubled;
        file.doubled = doubled;
        if doubled > 0 && !is_told {
            let path = path.display();
            faults.push(format!(
                "{path}: {doubled} of its tokens stand further up or in another file too, and lead where these say"
            ));
        }
    }
    targets
}

impl MapFile {
    /// Reads it again if it has changed; whether it has.
    fn refresh(&mut self, path: &Path, faults: &mut Vec<String>) -> bool {
        let read = path.metadata().and_then(|metadata| {
            let stamp = Stamp::of(&metadata);
            match self.stamp == Some(stamp) {
                true => Ok(None),
                false => Ok(Some((stamp, read(path)?))),
            }
        });
        match read {
            Ok(None) => false,
            Ok(Some((stamp, text))) => {
                self.stamp = Some(stamp);
                self.targets = parse(&text, path, faults);
                true
            }
            Err(error) => {
                // Said once, until it can be read again.
                if self.stamp.take().is_some() {
                    let path = path.display();
                    faults.push(format!("{path}: {error}; its targets stay as they were"));
                }
                false
            }
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let bytes = regular_file::read(path, LONGEST_FILE)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines `TOKEN: TARGET`, as websockify has them: `#` begins a comment, empty lines do not count. A line that is
/// wrong is named by its number: what stands in it may be a secret.
fn parse(text: &str, path: &Path, faults: &mut Vec<String>) -> Vec<(Token, SocketAddress)> {
    let mut targets = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(line) {
            Ok(target) => targets.push(target),
            Err(reason) => faults.push(format!("{}:{}: {reason}", path.display(), index + 1)),
        }
    }
    targets
}

fn parse_line(line: &str) -> Result<(Token, SocketAddress), String> {
    let (token, target) = line.split_once(':').ok_or("expected TOKEN: TARGET")?;
    let token = token.trim_end().parse();
    let token = token.map_err(|()| {
        "a token is 1 to 128 of A-Z, a-z, 0-9, '.', '_', '~' and '-', and does not begin with '.'"
    })?;
    let target: SocketAddress = target
        .trim()
        .parse()
        .map_err(|error| format!("the target: {error}"))?;
    Ok((token, target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(map: &TargetMap, token: &str) -> Option<String> {
        let token: Token = token.parse().expect(token);
        map.0.targets.lock().get(&token).map(ToString::to_string)
    }

    #[test]
    fn lines_of_websockify_are_read_and_bad_ones_are_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("map");
        let text = "\u{feff}# comment\r\n\r\none: localhost:5901\r\n  two:  [::1]:5902  \n\
            three: unix:/run/x\nbad\n.x: a:1\nfour: localhost\nsecret/: a:1\none: other:1\n";
        fs::write(&file, text).expect("a file");
        let (map, faults) = TargetMap::open(&file).expect("it is there");
        assert_eq!(find(&map, "one").as_deref(), Some("tcp:localhost:5901"));
        assert_eq!(find(&map, "two").as_deref(), Some("tcp:[::1]:5902"));
        assert_eq!(find(&map, "three").as_deref(), Some("unix:/run/x"));
        assert_eq!(find(&map, "four"), None);
        let starts = ["map:6: ", "map:7: ", "map:8: ", "map:9: ", "map: 1 of "];
        assert_eq!(faults.len(), starts.len(), "{faults:?}");
        for (fault, start) in faults.iter().zip(starts) {
            assert!(
                fault.contains(start) && !fault.contains("secret"),
                "{fault}"
            );
        }
    }

    #[test]
    fn change_is_seen_and_a_file_that_leaves_takes_its_targets_along() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = |name: &str| directory.path().join(name);
        fs::write(file("a"), "one: h:1\n").expect("a file");
        fs::write(file(".hidden"), "none: h:1\n").expect("a file");
        let (map, faults) = TargetMap::open(directory.path()).expect("it is there");
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(
            (find(&map, "one").is_some(), find(&map, "none")),
            (true, None)
        );
        fs::write(file("b"), "two: h:2\n").expect("a file");
        fs::write(file("a"), "one: h:3\n").expect("a file");
        map.0.refresh();
        assert_eq!(find(&map, "one").as_deref(), Some("tcp:h:3"));
        assert_eq!(find(&map, "two").as_deref(), Some("tcp:h:2"));
        fs::remove_file(file("b")).expect("it is there");
        map.0.refresh();
        assert_eq!(find(&map, "two"), None);
    }

    #[test]
    fn file_that_cannot_be_read_keeps_what_it_had_and_says_so_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("map");
        fs::write(&file, "one: h:1\n").expect("a file");
        let (map, _) = TargetMap::open(&file).expect("it is there");
        fs::remove_file(&file).expect("it is there");
        assert_eq!(map.0.refresh().len(), 1);
        assert_eq!(map.0.refresh().len(), 0);
        assert!(find(&map, "one").is_some());
        fs::write(&file, "two: h:1\n").expect("a file");
        map.0.refresh();
        assert_eq!(
            (find(&map, "one"), find(&map, "two").is_some()),
            (None, true)
        );
    }

    #[test]
    fn doubled_token_is_told_again_only_when_there_are_more() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            fs::write(directory.path().join(name), text).expect("a file");
        };
        write("a", "one: h:1\ntwo: h:1\n");
        write("b", "one: h:2\n");
        let (map, faults) = TargetMap::open(directory.path()).expect("it is there");
        assert!(faults[0].contains("b: 1 of its tokens"), "{faults:?}");
        write("c", "three: h:3\n");
        assert_eq!(map.0.refresh(), Vec::<String>::new());
        assert!(find(&map, "three").is_some());
        write("b", "one: h:2\ntwo: h:2\n");
        let faults = map.0.refresh();
        assert!(faults[0].contains("b: 2 of its tokens"), "{faults:?}");
    }

    #[test]
    fn directory_that_has_gone_keeps_its_targets_and_is_told_once() {
        let parent = tempfile::tempdir().expect("a directory");
        let directory = parent.path().join("maps");
        fs::create_dir(&directory).expect("a directory");
        fs::write(directory.join("a"), "one: h:1\n").expect("a file");
        let (map, _) = TargetMap::open(&directory).expect("it is there");
        fs::rename(&directory, parent.path().join("away")).expect("it is there");
        assert_eq!((map.0.refresh().len(), map.0.refresh().len()), (1, 0));
        assert!(find(&map, "one").is_some());
        fs::create_dir(&directory).expect("a directory");
        assert!(map.0.refresh().is_empty());
        assert!(find(&map, "one").is_none());
    }

    #[test]
    fn pipe_in_the_place_of_a_file_keeps_its_targets() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("map");
        fs::write(&file, "one: h:1\n").expect("a file");
        let (map, _) = TargetMap::open(&file).expect("it is there");
        fs::remove_file(&file).expect("it is there");
        let made = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(made.expect("mkfifo").success());
        assert!(TargetMap::open(&file).is_err());
        assert_eq!((map.0.refresh().len(), map.0.refresh().len()), (1, 0));
        assert!(find(&map, "one").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn file_is_looked_at_once_a_second() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("map");
        fs::write(&file, "one: h:1\n").expect("a file");
        let (map, _) = TargetMap::open(&file).expect("it is there");
        let (one, two): (Token, Token) = ("one".parse().expect("one"), "two".parse().expect("two"));
        assert!(map.find(&one).await.is_some());
        fs::write(&file, "two: h:1\n").expect("a file");
        assert!(map.find(&two).await.is_none());
        tokio::time::advance(LOOK).await;
        assert!(map.find(&two).await.is_some());
        assert!(map.find(&one).await.is_none());
    }

    #[test]
    fn map_that_is_not_there_is_an_error() {
        assert!(TargetMap::open(Path::new("/nonexistent/map")).is_err());
    }
}
