//! The sources as the compiler's grammar has them: which paths each file names, without what tests
//! alone see.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, Macro, UseTree};

/// A source file, and what it names.
pub struct Source {
    /// Relative to `src`: `plan/show/json.rs`.
    pub name: String,
    /// As the crate has it: `["plan", "show", "json"]`; empty for `lib.rs`.
    pub module: Vec<String>,
    pub uses: Vec<Use>,
    /// The names that it uses without a path, such as those of imported types.
    pub names: BTreeSet<String>,
    /// The methods and macros that it calls, each with its name alone.
    pub calls: Vec<Use>,
    /// The rules that its findings name.
    pub rules: Vec<String>,
}

/// A path in the code, such as `crate::plan::table`, or the name of a method or macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub path: Vec<String>,
    /// From 1.
    pub line: usize,
    /// It hands a name on and uses nothing: `pub use`.
    pub is_export: bool,
}

impl Source {
    /// Reads `text`, the file `name`.
    pub fn parse(name: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut found = Found::default();
        found.visit_file(&file);
        Self {
            name: name.to_owned(),
            module: module_of(name),
            uses: found.uses,
            names: found.names,
            calls: found.calls,
            rules: found.rules,
        }
    }

    /// All files below `src`, but those of tests alone.
    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut paths = Vec::new();
        find(&root, &mut paths);
        paths.sort();
        let read = |path: &PathBuf| {
            let name = path.strip_prefix(&root).expect("it was found there").display().to_string();
            let text = fs::read_to_string(path).expect("sources are readable");
            Self::parse(&name, &text)
        };
        paths.iter().map(read).collect()
    }
}

fn find(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_tests = name == "tests" || name.ends_with("tests.rs");
        if path.is_dir() && !is_tests {
            find(&path, found);
        } else if name.ends_with(".rs") && !is_tests {
            found.push(path);
        }
    }
}

fn module_of(name: &str) -> Vec<String> {
    let name = name.trim_end_matches(".rs").trim_end_matches("/mod");
    match name {
        "lib" | "main" => Vec::new(),
        _ => name.split('/').map(str::to_owned).collect(),
    }
}

/// Collects what a file names.
#[derive(Default)]
struct Found {
    uses: Vec<Use>,
    names: BTreeSet<String>,
    calls: Vec<Use>,
    rules: Vec<String>,
}

impl Found {
    fn add(&mut self, path: Vec<String>, span: Span, is_export: bool) {
        self.uses.push(Use { path, line: span.start().line, is_export });
    }

    fn tree(&mut self, before: &[String], tree: &UseTree, is_export: bool) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&with(path.ident.to_string()), &path.tree, is_export),
            UseTree::Name(name) if name.ident == "self" => {
                self.add(before.to_vec(), name.ident.span(), is_export);
            }
            UseTree::Name(name) => {
                self.add(with(name.ident.to_string()), name.ident.span(), is_export);
            }
            UseTree::Rename(name) => {
                self.add(with(name.ident.to_string()), name.ident.span(), is_export);
            }
            UseTree::Glob(glob) => {
                self.add(with("*".to_owned()), glob.star_token.spans[0], is_export);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.tree(before, tree, is_export));
            }
        }
    }

    /// The paths in what a macro is given: its tokens have no grammar of their own.
    fn tokens(&mut self, tokens: &TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut start = Span::call_site();
        let mut colons = 0;
        let mut add = |path: &mut Vec<String>, start: Span| {
            if path.len() > 1 {
                self.uses.push(Use {
                    path: std::mem::take(path),
                    line: start.start().line,
                    is_export: false,
                });
            }
            path.clear();
        };
        let mut groups = Vec::new();
        for token in tokens.clone() {
            match token {
                proc_macro2::TokenTree::Ident(ident) => {
                    if colons != 2 {
                        add(&mut path, start);
                        start = ident.span();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                proc_macro2::TokenTree::Group(group) => {
                    groups.push(group.stream());
                    colons = 0;
                }
                _ => colons = 0,
            }
        }
        add(&mut path, start);
        groups.iter().for_each(|group| self.tokens(group));
    }
}

fn literal(expression: &syn::Expr) -> Option<String> {
    match expression {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// Whether only tests see what these attributes stand before.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Found {
    fn visit_file(&mut self, file: &'ast File) {
        file.items.iter().for_each(|item| self.visit_item(item));
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_export = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&[], &item.tree, is_export);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta
            && list.path.is_ident("derive")
        {
            self.tokens(&list.tokens);
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let span = path.segments.first().map_or_else(Span::call_site, |first| first.ident.span());
        if names.len() > 1 {
            self.add(names, span, false);
        } else {
            self.names.extend(names);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(called) = &*call.func {
            let names: Vec<String> =
                called.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            if names.ends_with(&["Finding".to_owned(), "new".to_owned()]) {
                self.rules.extend(call.args.first().and_then(literal));
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "rule" {
            self.rules.extend(call.args.first().and_then(literal));
        }
        let line = call.method.span().start().line;
        self.calls.push(Use { path: vec![call.method.to_string()], line, is_export: false });
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        let names: Vec<String> =
            called.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let name = names.last().cloned().unwrap_or_default() + "!";
        let line = called.path.segments[0].ident.span().start().line;
        if names.len() > 1 {
            self.uses.push(Use { path: names, line, is_export: false });
        }
        self.calls.push(Use { path: vec![name], line, is_export: false });
        self.tokens(&called.tokens);
    }
}
