//! The sources as a tree of modules: what each file defines, imports, names and says.
//!
//! Files are read as token trees, not as text: comments are gone, and grouped, nested and renamed imports,
//! paths in types and in macros are seen alike. A path is then followed to where its item is defined, through
//! `self`, `super`, aliases and re-exports. What a macro makes is not seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The names of a path, or of a module: `["http", "body"]`.
pub(crate) type Names = Vec<String>;

/// All files, by their names below `src`.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, File>,
    /// The files of each module: two where the system decides, as `#[path]` says.
    modules: BTreeMap<Names, Vec<String>>,
}

#[derive(Default)]
pub(crate) struct File {
    pub(crate) module: Names,
    pub(crate) uses: Vec<Use>,
    pub(crate) literals: Vec<Literal>,
    /// Every identifier outside of comments.
    pub(crate) identifiers: BTreeSet<String>,
    /// Items at the top of the file, but for `mod` and `use`.
    pub(crate) items: Vec<String>,
    /// What names stand for that were imported.
    aliases: BTreeMap<String, Names>,
    /// Modules all of whose names are imported.
    globs: Vec<Names>,
    /// Modules that lie in files of another name.
    renamed: Vec<(String, String)>,
    /// Modules in files of their own that are for tests alone.
    test_modules: Vec<Names>,
}

/// A path in a file.
pub(crate) struct Use {
    /// As it is written.
    written: Names,
    /// The module in whose braces it stands.
    scope: Names,
    pub(crate) in_test: bool,
}

/// A string.
pub(crate) struct Literal {
    pub(crate) text: String,
    pub(crate) in_test: bool,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Self {
        let mut texts = Vec::new();
        collect(root, root, &mut texts);
        assert!(!texts.is_empty(), "{root:?} has no sources");
        Self::of(texts.iter().map(|(name, text)| (&**name, &**text)))
    }

    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut tree = Tree {
            files: BTreeMap::new(),
            modules: BTreeMap::new(),
        };
        for (name, text) in texts {
            let stream: TokenStream = text.parse().unwrap_or_else(|error| {
                panic!("{name} cannot be read: {error}");
            });
            let mut file = File {
                module: module_of(name),
                ..File::default()
            };
            let module = file.module.clone();
            Reader { file: &mut file }.read(stream, &module, Place::Module, false);
            let files = tree.modules.entry(module).or_default();
            files.push(name.to_owned());
            tree.files.insert(name.to_owned(), file);
        }
        tree.add_renamed();
        tree.mark_tests();
        tree
    }

    fn mark_tests(&mut self) {
        let files = self.files.values();
        let of_tests: Vec<Names> = files.flat_map(|file| file.test_modules.clone()).collect();
        for file in self.files.values_mut() {
            if of_tests.iter().any(|tests| file.module.starts_with(tests)) {
                file.uses.iter_mut().for_each(|path| path.in_test = true);
                let literals = file.literals.iter_mut();
                literals.for_each(|literal| literal.in_test = true);
            }
        }
    }

    fn add_renamed(&mut self) {
        for (name, file) in &self.files {
            let directory = match name.rsplit_once('/') {
                Some((directory, _)) => format!("{directory}/"),
                None => String::new(),
            };
            for (module, path) in &file.renamed {
                let module = [&file.module[..], std::slice::from_ref(module)].concat();
                let files = self.modules.entry(module).or_default();
                files.push(format!("{directory}{path}"));
            }
        }
    }

    /// The modules right below one.
    pub(crate) fn children(&self, above: &str) -> Vec<&str> {
        let above = names(above);
        let children = self.modules.keys().filter_map(|module| {
            let below = module.strip_prefix(&above[..])?;
            (below.len() == 1).then(|| &*below[0])
        });
        children.collect()
    }

    /// What a path names in the crate: the names from the root on. `None` for what is outside.
    pub(crate) fn absolute(&self, file: &File, path: &Use) -> Option<Names> {
        let (first, rest) = path.written.split_first()?;
        match first.as_str() {
            "crate" | "wsd" => Some(rest.to_vec()),
            "self" => Some([&path.scope[..], rest].concat()),
            "super" => {
                let ups = path.written.iter().take_while(|name| *name == "super");
                let ups = ups.count();
                let above = path.scope.get(..path.scope.len().checked_sub(ups)?)?;
                Some([above, &path.written[ups..]].concat())
            }
            name => {
                if let Some(alias) = file.aliases.get(name) {
                    // An alias of itself is the import that makes it.
                    if alias[0] != name {
                        let alias = Use {
                            written: alias.clone(),
                            scope: path.scope.clone(),
                            in_test: path.in_test,
                        };
                        let alias = self.absolute(file, &alias)?;
                        return Some([&alias[..], rest].concat());
                    }
                }
                let child = [&path.scope[..], std::slice::from_ref(first)].concat();
                self.modules
                    .contains_key(&child)
                    .then(|| [&child[..], rest].concat())
            }
        }
    }

    /// The files where what a path names is defined; none for a module by itself.
    pub(crate) fn defined_in(&self, absolute: &[String]) -> Vec<String> {
        self.defining(absolute, 0).unwrap_or_default()
    }

    fn defining(&self, absolute: &[String], depth: usize) -> Option<Vec<String>> {
        let known = |length: &usize| self.modules.contains_key(&absolute[..*length]);
        let length = (0..=absolute.len()).rev().find(known)?;
        let files = &self.modules[&absolute[..length]];
        let name = absolute.get(length)?;
        let has = |file: &&String| {
            let file = self.files.get(*file);
            file.is_some_and(|file| file.items.contains(name))
        };
        // Re-exports of re-exports end somewhere.
        if depth > 8 || files.iter().any(|file| has(&file)) {
            return Some(files.clone());
        }
        for file in files.iter().filter_map(|file| self.files.get(file)) {
            let rest = &absolute[length + 1..];
            let targets = file.aliases.get(name).map(|alias| [alias, rest].concat());
            let globbed = file.globs.iter().map(|module| {
                let name = std::slice::from_ref(name);
                [module, name, rest].concat()
            });
            for written in targets.into_iter().chain(globbed) {
                let through = Use {
                    written,
                    scope: file.module.clone(),
                    in_test: false,
                };
                let next = self.absolute(file, &through);
                let next = next.filter(|next| next != absolute);
                if let Some(found) = next.and_then(|next| self.defining(&next, depth + 1)) {
                    return Some(found);
                }
            }
        }
        // A macro's, or a variant's of an imported enum.
        (depth == 0).then(|| files.clone())
    }

    /// Which file uses items of which others, tests left out.
    pub(crate) fn arrows(&self) -> BTreeSet<(String, String)> {
        let mut arrows = BTreeSet::new();
        for (name, file) in &self.files {
            for path in file.uses.iter().filter(|path| !path.in_test) {
                let Some(absolute) = self.absolute(file, path) else {
                    continue;
                };
                for target in self.defined_in(&absolute) {
                    if target != *name {
                        arrows.insert((name.clone(), target));
                    }
                }
            }
        }
        arrows
    }
}

/// The names that `::` joins; none in an empty text, which is the root.
pub(crate) fn names(path: &str) -> Names {
    let names = path.split("::").filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn collect(root: &Path, directory: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("below").to_str();
            let text = fs::read_to_string(&path).expect("a source");
            texts.push((name.expect("text").to_owned(), text));
        }
    }
}

/// `http/body.rs` and `http/body/mod.rs` are `["http", "body"]`; `lib.rs` and `main.rs` have no names.
fn module_of(file: &str) -> Names {
    let stem = file.strip_suffix(".rs").expect("a source");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    match stem {
        "lib" | "main" => Vec::new(),
        _ => stem.split('/').map(str::to_owned).collect(),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Where items stand.
    Module,
    /// In a body, an argument, a type.
    Inside,
}

struct Reader<'a> {
    file: &'a mut File,
}

impl Reader<'_> {
    fn read(&mut self, stream: TokenStream, scope: &[String], place: Place, in_test: bool) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        // Whether an attribute says so of the item that comes.
        let mut test_only = false;
        let mut paths = Vec::new();
        while at < tokens.len() {
            let in_test = in_test || test_only;
            if let Some((attribute, next)) = attribute(&tokens, at) {
                let names: Vec<String> = identifiers(attribute.clone());
                test_only |= names.first().is_some_and(|name| name == "cfg")
                    && names.iter().any(|name| name == "test")
                    && !names.iter().any(|name| name == "not");
                test_only |= names.last().is_some_and(|name| name == "test");
                paths.extend(path_attribute(attribute.clone()));
                if names.first().is_none_or(|name| name != "doc") {
                    self.read(attribute, scope, Place::Inside, in_test);
                }
                at = next;
                continue;
            }
            match &tokens[at] {
                TokenTree::Ident(name) if *name == "use" && is_import(&tokens, at) => {
                    at = self.import(&tokens, at + 1, scope, in_test);
                    test_only = false;
                }
                TokenTree::Ident(name) if *name == "mod" && place == Place::Module => {
                    let child = tokens[at + 1].to_string();
                    let inner = [scope, std::slice::from_ref(&child)].concat();
                    match tokens.get(at + 2) {
                        Some(TokenTree::Group(body)) => {
                            self.read(body.stream(), &inner, Place::Module, in_test);
                        }
                        _ if in_test => self.file.test_modules.push(inner),
                        _ => {}
                    }
                    let renamed = paths.drain(..).map(|path| (child.clone(), path));
                    self.file.renamed.extend(renamed);
                    test_only = false;
                    at += 3;
                }
                TokenTree::Ident(name) => {
                    let is_lifetime = at > 0 && tokens[at - 1].to_string() == "'";
                    if place == Place::Module
                        && scope == self.file.module
                        && !in_test
                        && !is_lifetime
                    {
                        self.item(&name.to_string(), tokens.get(at + 1));
                    }
                    at = self.path(&tokens, at, scope, in_test);
                }
                TokenTree::Group(group) => {
                    self.read(group.stream(), scope, Place::Inside, in_test);
                    if place == Place::Module && group.delimiter() == Delimiter::Brace {
                        test_only = false;
                    }
                    at += 1;
                }
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    self.file.literals.push(Literal { text, in_test });
                    at += 1;
                }
                TokenTree::Punct(punct) => {
                    test_only &= punct.as_char() != ';' || place == Place::Inside;
                    at += 1;
                }
            }
        }
    }

    /// Notes an item that a keyword begins.
    fn item(&mut self, keyword: &str, next: Option<&TokenTree>) {
        let name = match next {
            Some(TokenTree::Ident(name)) => name.to_string(),
            Some(TokenTree::Punct(punct)) if punct.as_char() == '!' && keyword != "macro_rules" => {
                return self.file.items.push(format!("{keyword}!"));
            }
            _ if keyword == "impl" => String::new(),
            _ => return,
        };
        let item = match keyword {
            "struct" | "enum" | "union" | "trait" | "type" | "static" => name,
            "fn" => name,
            "const" if !["fn", "unsafe", "async", "extern"].contains(&&*name) => name,
            "impl" => "impl".to_owned(),
            _ => return,
        };
        self.file.items.push(item);
    }

    /// Reads names that `::` joins; returns the place behind them.
    fn path(
        &mut self,
        tokens: &[TokenTree],
        start: usize,
        scope: &[String],
        in_test: bool,
    ) -> usize {
        let mut written = vec![tokens[start].to_string()];
        let mut at = start + 1;
        while is_colons(tokens, at)
            && let Some(TokenTree::Ident(name)) = tokens.get(at + 2)
        {
            written.push(name.to_string());
            at += 3;
        }
        self.name(written, scope, in_test);
        at
    }

    fn name(&mut self, written: Names, scope: &[String], in_test: bool) {
        self.file.identifiers.extend(written.iter().cloned());
        if written.len() > 1 {
            self.file.uses.push(Use {
                written,
                scope: scope.to_vec(),
                in_test,
            });
        }
    }

    /// Reads what stands behind `use`, up to its semicolon.
    fn import(
        &mut self,
        tokens: &[TokenTree],
        start: usize,
        scope: &[String],
        in_test: bool,
    ) -> usize {
        let is_end = |token: &TokenTree| token.to_string() == ";";
        let length = tokens[start..].iter().position(is_end).expect("an end");
        self.branch(&tokens[start..start + length], &[], scope, in_test);
        start + length + 1
    }

    fn branch(&mut self, tokens: &[TokenTree], above: &[String], scope: &[String], in_test: bool) {
        let mut names = above.to_vec();
        let mut at = 0;
        let mut alias = None;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    let is_comma = |token: &TokenTree| token.to_string() == ",";
                    for branch in inner.split(is_comma).filter(|branch| !branch.is_empty()) {
                        self.branch(branch, &names, scope, in_test);
                    }
                    return;
                }
                TokenTree::Ident(name) if *name == "as" => {
                    alias = tokens.get(at + 1).map(ToString::to_string);
                    at += 1;
                }
                TokenTree::Ident(name) if *name == "self" && !names.is_empty() => {}
                TokenTree::Ident(name) => names.push(name.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    self.file.globs.extend((!in_test).then(|| names.clone()));
                    return self.name([&names[..], &["*".to_owned()]].concat(), scope, in_test);
                }
                _ => {}
            }
            at += 1;
        }
        let Some(last) = names.last() else { return };
        let name = alias.unwrap_or_else(|| last.clone());
        self.file.aliases.entry(name).or_insert(names.clone());
        self.name(names, scope, in_test);
    }
}

/// The inside of an attribute that begins here, and the place behind it.
fn attribute(tokens: &[TokenTree], at: usize) -> Option<(TokenStream, usize)> {
    let is = |at: usize, sign| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    if !is(at, '#') {
        return None;
    }
    let at = at + 1 + usize::from(is(at + 1, '!'));
    match tokens.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            Some((group.stream(), at + 1))
        }
        _ => None,
    }
}

fn identifiers(stream: TokenStream) -> Vec<String> {
    let names = |token| match token {
        TokenTree::Ident(name) => vec![name.to_string()],
        TokenTree::Group(group) => identifiers(group.stream()),
        _ => Vec::new(),
    };
    stream.into_iter().flat_map(names).collect()
}

/// The file that `#[path = "…"]` names, alone or in a `cfg_attr`.
fn path_attribute(stream: TokenStream) -> Option<String> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    tokens
        .iter()
        .enumerate()
        .find_map(|(at, token)| match token {
            TokenTree::Ident(name) if *name == "path" => {
                let text = tokens.get(at + 2)?.to_string();
                Some(text.trim_matches('"').to_owned())
            }
            TokenTree::Group(group) => path_attribute(group.stream()),
            _ => None,
        })
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |token: Option<&TokenTree>| token.is_some_and(|token| token.to_string() == ":");
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

/// Whether this `use` is no `use<'a>` of a type.
fn is_import(tokens: &[TokenTree], at: usize) -> bool {
    !matches!(tokens.get(at + 1), Some(TokenTree::Punct(punct)) if punct.as_char() == '<')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: [String; 0] = [];

    /// What the paths of a file name, from the root on.
    fn named(tree: &Tree, file: &str) -> Vec<String> {
        let file = &tree.files[file];
        let paths = file.uses.iter().filter(|path| !path.in_test);
        let mut names: Vec<String> = paths
            .filter_map(|path| Some(tree.absolute(file, path)?.join("::")))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    #[test]
    fn imports_are_read_in_every_form() {
        let tree = Tree::of([
            (
                "a/b.rs",
                "use crate::{c::{self, d::{E, f as g}}, h}; use super::{i, j::*}; use wsd::k; \
                 pub(crate) use self::m::n; use std::fmt; mod m { use super::o::p; }",
            ),
            ("a/mod.rs", ""),
        ]);
        assert_eq!(
            named(&tree, "a/b.rs"),
            [
                "a::b::m::n",
                "a::b::o::p",
                "a::i",
                "a::j::*",
                "c",
                "c::d::E",
                "c::d::f",
                "h",
                "k",
            ]
        );
    }

    #[test]
    fn paths_are_read_in_code_types_and_macros() {
        let tree = Tree::of([(
            "a.rs",
            "use crate::b; fn f(x: crate::c::D) -> impl Sized + use<> { m!(b::e::<u8>(), [super::g::h]); }",
        )]);
        assert_eq!(named(&tree, "a.rs"), ["b", "b::e", "c::D", "g::h"]);
    }

    #[test]
    fn comments_say_nothing_and_tests_are_told_apart() {
        let tree = Tree::of([
            (
                "a.rs",
                "//! crate::x::y\n/// crate::x::z\n#[error(\"--flag\")] struct S; /* crate::x::v */\n\
             #[cfg(test)] mod tests { use crate::x::w; } #[cfg(test)] use crate::x::u;\n\
             #[cfg(any(test, fuzzing))] mod c; use crate::t::s;",
            ),
            ("a/c.rs", "use crate::x::r; fn f() { \"--test\" }"),
        ]);
        assert_eq!(named(&tree, "a/c.rs"), NOTHING);
        assert!(tree.files["a/c.rs"].literals[0].in_test);
        assert_eq!(named(&tree, "a.rs"), ["t::s"]);
        let literals = &tree.files["a.rs"].literals;
        let texts: Vec<_> = literals.iter().map(|literal| &*literal.text).collect();
        assert_eq!(texts, ["\"--flag\""]);
    }

    #[test]
    fn items_are_found_where_they_are_defined() {
        let tree = Tree::of([
            (
                "a/mod.rs",
                "mod b; mod c; pub use b::{B, x as y}; pub use c::*; pub struct Own;",
            ),
            ("a/b.rs", "pub struct B; pub const fn x() {}"),
            ("a/c.rs", "pub enum C { V } pub const K: u8 = 0;"),
            (
                "d.rs",
                "use crate::a::{self, B, C, Own, y}; fn f() { a::K; }",
            ),
        ]);
        let defined = |name: &str| tree.defined_in(&["a".to_owned(), name.to_owned()]);
        for (name, file) in [
            ("B", "a/b.rs"),
            ("y", "a/b.rs"),
            ("C", "a/c.rs"),
            ("K", "a/c.rs"),
            ("Own", "a/mod.rs"),
        ] {
            assert_eq!(defined(name), [file], "{name}");
        }
        let of_d = |(from, to): &(String, String)| (from == "d.rs").then(|| to.clone());
        let arrows: Vec<_> = tree.arrows().iter().filter_map(of_d).collect();
        assert_eq!(arrows, ["a/b.rs", "a/c.rs", "a/mod.rs"]);
    }

    #[test]
    fn module_that_the_system_chooses_has_two_files() {
        let tree = Tree::of([
            (
                "a/mod.rs",
                "#[cfg_attr(unix, path = \"one.rs\")] #[cfg_attr(not(unix), path = \"two.rs\")] mod system;\n\
                 use system::S;",
            ),
            ("a/one.rs", "pub struct S;"),
            ("a/two.rs", "pub struct S;"),
        ]);
        let to: Vec<_> = tree.arrows().into_iter().map(|(_, to)| to).collect();
        assert_eq!(to, ["a/one.rs", "a/two.rs"]);
    }
}
