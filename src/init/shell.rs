//! Splits a line of the shell into commands, words and loops. Evaluates nothing.

use super::part::{self, Part, Text, is_word, literal, push_text, source};

/// A longer path is not that of a Dockerfile.
const MOST_PATH: usize = 1000;

/// A command with its words, without redirections.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub words: Vec<Text>,
    /// The loops around it: the variable and the words of each.
    pub loops: Vec<(String, Vec<Text>)>,
    /// The `if`, `case`, `while` or test before it.
    pub condition: Option<String>,
    /// The files after `<`.
    pub inputs: Vec<Text>,
    /// The directory of the `cd` before it, relative to the first one.
    pub directory: Text,
}

#[derive(Debug, Clone)]
enum Token {
    Word(Text),
    /// `;`, `&&`, `|` and others that end a command.
    End(&'static str),
    /// `<`, or else `>`.
    Redirection(bool),
}

enum Block {
    Loop(String, Vec<Text>),
    Condition(String),
}

/// The commands of a text that starts in the line `number`.
pub(super) fn commands(number: usize, text: &[Part]) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut test: Option<String> = None;
    let mut current = Command::default();
    let mut redirection = None;
    // The last one is the current one; `(` begins another.
    let mut directories = vec![vec![Part::Text(".".to_owned())]];
    let mut tokens = tokens(number, text);
    tokens.push(Token::End(";"));
    for token in tokens {
        match token {
            Token::Redirection(is_input) => {
                // `2>` has the number of the stream before it.
                let stream = |word: &Text| {
                    literal(word).is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()))
                };
                if current.words.last().is_some_and(stream) && !is_input {
                    current.words.pop();
                }
                redirection = Some(is_input);
            }
            Token::Word(word) => match redirection.take() {
                Some(true) => current.inputs.push(word),
                Some(false) => {}
                None => current.words.push(word),
            },
            Token::End(end) => {
                redirection = None;
                let mut command = std::mem::take(&mut current);
                blocks_of(&mut command.words, &mut blocks);
                command.directory = directories.last().cloned().unwrap_or_default();
                if let [cd, path, ..] = command.words.as_slice()
                    && literal(cd).as_deref() == Some("cd")
                    && let Some(directory) = directories.last_mut()
                    && source(directory).len() + source(path).len() < MOST_PATH
                {
                    *directory = part::joined(directory, path);
                }
                match end {
                    "(" => directories.push(directories.last().cloned().unwrap_or_default()),
                    ")" if directories.len() > 1 => _ = directories.pop(),
                    _ => {}
                }
                if command.words.is_empty() {
                    continue;
                }
                for block in &blocks {
                    match block {
                        Block::Loop(name, words) => {
                            command.loops.push((name.clone(), words.clone()))
                        }
                        Block::Condition(text) => command.condition = Some(text.clone()),
                    }
                }
                let first = literal(&command.words[0]).unwrap_or_default();
                if ["continue", "break"].contains(&first.as_str()) {
                    // It decides about everything that follows in its loop.
                    let text = command.condition.clone().or(test.take()).unwrap_or(first);
                    let outside = blocks.iter().rposition(|block| matches!(block, Block::Loop(..)));
                    let at = outside.map_or(0, |at| at + 1);
                    blocks.insert(at, Block::Condition(text));
                    // The block lasts until `done` of its loop.
                    test = None;
                    continue;
                }
                if let Some(text) = test.take() {
                    command.condition.get_or_insert(text);
                }
                if ["[", "[[", "test"].contains(&first.as_str()) && ["&&", "||"].contains(&end) {
                    let words: Vec<String> =
                        command.words.iter().map(|word| source(word)).collect();
                    test = Some(words.join(" "));
                }
                commands.push(command);
            }
        }
    }
    commands
}

/// Removes the keywords at the start of a command, and opens and closes their blocks.
fn blocks_of(words: &mut Vec<Text>, blocks: &mut Vec<Block>) {
    while let Some(first) = words.first().and_then(|word| literal(word)) {
        let all = || words.iter().map(|word| source(word)).collect::<Vec<_>>().join(" ");
        match first.as_str() {
            "for" => {
                let name = words.get(1).and_then(|word| literal(word)).unwrap_or_default();
                blocks.push(Block::Loop(name, words.drain(..).skip(3).collect()));
                return;
            }
            "if" | "while" | "until" | "case" => {
                blocks.push(Block::Condition(all()));
                words.remove(0);
            }
            "done" => {
                while let Some(block) = blocks.pop() {
                    if matches!(block, Block::Loop(..)) {
                        break;
                    }
                    if let Block::Condition(text) = &block
                        && ["while ", "until "].iter().any(|start| text.starts_with(start))
                    {
                        break;
                    }
                }
                words.clear();
            }
            "fi" | "esac" => {
                if matches!(blocks.last(), Some(Block::Condition(_))) {
                    blocks.pop();
                }
                words.clear();
            }
            "do" | "then" | "else" | "elif" | "{" | "}" | "!" | "time" => {
                words.remove(0);
            }
            _ => return,
        }
    }
}

/// A character, or a part that is not text.
#[derive(Clone)]
enum Atom {
    Char(char),
    Part(Part),
}

fn tokens(line: usize, text: &[Part]) -> Vec<Token> {
    let mut atoms = Vec::new();
    for part in text {
        match part {
            Part::Text(text) => atoms.extend(text.chars().map(Atom::Char)),
            other => atoms.push(Atom::Part(other.clone())),
        }
    }
    let mut lexer = Lexer { atoms, at: 0, line, tokens: Vec::new(), word: None };
    lexer.run();
    lexer.tokens
}

struct Lexer {
    atoms: Vec<Atom>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
    word: Option<Text>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        match self.atoms.get(self.at + ahead)? {
            Atom::Char(c) => Some(*c),
            Atom::Part(_) => None,
        }
    }

    fn run(&mut self) {
        let mut quote: Option<char> = None;
        while let Some(atom) = self.atoms.get(self.at).cloned() {
            self.at += 1;
            let c = match atom {
                Atom::Part(part) => {
                    self.word.get_or_insert_default().push(part);
                    continue;
                }
                Atom::Char(c) => c,
            };
            match (c, quote) {
                ('\'' | '"', None) => {
                    quote = Some(c);
                    self.word.get_or_insert_default();
                }
                (_, Some(open)) if c == open => quote = None,
                (_, Some('\'')) => self.push(c),
                ('\\', _) => {
                    if let Some(next) = self.peek(0) {
                        self.at += 1;
                        self.push(next);
                    }
                }
                ('$', _) => self.dollar(),
                ('`', _) => self.unknown("`", |c| c == '`'),
                (_, Some(_)) => self.push(c),
                (' ' | '\t', None) => self.end_word(),
                ('#', None) if self.word.is_none() => {
                    self.at = self.atoms[self.at..]
                        .iter()
                        .position(|atom| matches!(atom, Atom::Char('\n')))
                        .map_or(self.atoms.len(), |skipped| self.at + skipped);
                }
                (';' | '\n' | '&' | '|' | '(' | ')', None) => {
                    self.end_word();
                    let double = self.peek(0) == Some(c) && "&|;".contains(c);
                    self.at += usize::from(double);
                    self.tokens.push(Token::End(match (c, double) {
                        ('&', true) => "&&",
                        ('|', true) => "||",
                        ('(', _) => "(",
                        (')', _) => ")",
                        _ => ";",
                    }));
                }
                ('<' | '>', None) => {
                    self.end_word();
                    while self.peek(0).is_some_and(|next| ['<', '>', '&', '|'].contains(&next)) {
                        self.at += 1;
                    }
                    self.tokens.push(Token::Redirection(c == '<'));
                }
                // A pattern that only the shell can expand, and only outside of quotes.
                ('*' | '?', None) | ('{', None)
                    if c != '{' || self.peek(0).is_some_and(|c| c.is_alphanumeric()) =>
                {
                    let line = self.line;
                    self.word.get_or_insert_default().push(Part::Unknown(c.to_string(), line));
                }
                _ => self.push(c),
            }
        }
        self.end_word();
    }

    fn push(&mut self, c: char) {
        push_text(self.word.get_or_insert_default(), c.encode_utf8(&mut [0; 4]));
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.tokens.push(Token::Word(joined(word, self.line)));
        }
    }

    /// After a `$`.
    fn dollar(&mut self) {
        match self.peek(0) {
            Some('(') => {
                let mut depth = 0;
                self.unknown("$", move |c| {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    depth == 0
                });
            }
            Some('{') => self.unknown("$", |c| c == '}'),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek(0).filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                {
                    name.push(c);
                    self.at += 1;
                }
                let line = self.line;
                self.word.get_or_insert_default().push(Part::Shell(name, line));
            }
            Some(c) if c.is_ascii_digit() || "@*#?!$-".contains(c) => {
                self.at += 1;
                let line = self.line;
                self.word.get_or_insert_default().push(Part::Unknown(format!("${c}"), line));
            }
            _ => self.push('$'),
        }
    }

    /// Takes the atoms up to the one that ends an expansion.
    fn unknown(&mut self, start: &str, mut ends: impl FnMut(char) -> bool) {
        let mut text = start.to_owned();
        while let Some(atom) = self.atoms.get(self.at).cloned() {
            self.at += 1;
            match atom {
                Atom::Part(part) => text += &part.source(),
                Atom::Char(c) => {
                    text.push(c);
                    if ends(c) {
                        break;
                    }
                }
            }
        }
        let name = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
        let line = self.line;
        let part = match name.filter(|name| is_word(name)) {
            Some(name) => Part::Shell(name.to_owned(), line),
            None => Part::Unknown(text, line),
        };
        self.word.get_or_insert_default().push(part);
    }
}

/// A word with a pattern of the shell is unknown as a whole: `1.{0..3}`.
fn joined(word: Text, line: usize) -> Text {
    let pattern = |part: &Part| matches!(part, Part::Unknown(text, _) if ["*", "?", "{"].contains(&text.as_str()));
    if word.iter().any(pattern) { vec![Part::Unknown(source(&word), line)] } else { word }
}
