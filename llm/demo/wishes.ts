import type { ToolSpec } from '../../domain/model';
import { sampleArguments } from './sample-arguments';
import type { DemoMemory } from './memory';

/** Something the user asks for that takes a tool. */
export interface Wish {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** The tool calls a message asks for, in its order: named tools, searches and pages first, then facts worth keeping. */
export function readWishes(text: string, memory: DemoMemory, tools: readonly ToolSpec[]): readonly Wish[] {
  const named = namedTools(text, tools);
  const errands = named.length > 0 ? named : [...pages(text), ...searches(text, tools)];
  return errands.length > 0 ? errands : facts(text, memory);
}

const NAMED = /\b(?:call|use|run|invoke)\s+(?:the\s+)?(tool\s+)?[`"']?([A-Za-z_][\w-]*)[`"']?(\s+tool\b)?/gi;

/** "Use the tool roll_dice with {"sides": 6}". A word that is no offered tool counts only next to the word "tool". */
function namedTools(text: string, tools: readonly ToolSpec[]): readonly Wish[] {
  const found = [...text.matchAll(NAMED)];
  return found.flatMap((match, at): Wish[] => {
    const [whole, before, name = '', after] = match;
    const tool = tools.find((candidate) => candidate.name === name);
    const isMeant = tool !== undefined || ((before ?? after) !== undefined && /_/.test(name));
    if (!isMeant) return [];
    const rest = text.slice(match.index + whole.length, found[at + 1]?.index);
    const given = firstObject(rest);
    return [{ tool: name, arguments: given ?? (tool ? sampleArguments(tool, text) : {}) }];
  });
}

/** The first balanced `{…}` of a text that is JSON. */
function firstObject(text: string): Readonly<Record<string, unknown>> | null {
  const start = text.indexOf('{');
  for (let end = text.indexOf('}', start); start >= 0 && end > 0; end = text.indexOf('}', end + 1)) {
    try {
      return JSON.parse(text.slice(start, end + 1)) as Record<string, unknown>; // Starts with "{": an object.
    } catch {
      // Not closed yet: the next brace may do it.
    }
  }
  return null;
}

function pages(text: string): readonly Wish[] {
  const url = /\b(?:fetch|open|read|load|visit)\b[^\n]*?(https?:\/\/[^\s"'<>)]+)/i.exec(text)?.[1];
  return url === undefined
    ? []
    : [{ tool: 'fetch_webpage', arguments: { url: url.replace(/[.,;!?]+$/, '') } }];
}

const SEARCH = /\b(?:search|look)\b(?<where>[^\n]*?)\bfor\s+(?<what>[^\n]+?)[.!?]*$/im;

function searches(text: string, tools: readonly ToolSpec[]): readonly Wish[] {
  const { where, what } = SEARCH.exec(text)?.groups ?? {};
  if (what === undefined) return [];
  const isOffered = (name: string) => tools.some((tool) => tool.name === name);
  const isWeb =
    /\b(web|internet|online)\b/i.test(`${where ?? ''} ${what}`) || !isOffered('conversation_search');
  const tool =
    isWeb && (isOffered('web_search') || !isOffered('conversation_search'))
      ? 'web_search'
      : 'conversation_search';
  const query = what.replace(/^["'](.*)["']$/, '$1').replace(/\s+(on|in) (the )?(web|internet|online)$/i, '');
  return [{ tool, arguments: { query } }];
}

/** The block that facts about the user go to: `human`, else the first one that may be written and is not the persona. */
export function userBlock(memory: DemoMemory): { readonly label: string; readonly value: string } | null {
  const writable = [...memory].filter(([, block]) => !block.readOnly);
  const [label, block] =
    writable.find(([name]) => name === 'human') ?? writable.find(([name]) => name !== 'persona') ?? [];
  return label === undefined || !block ? null : { label, value: block.value };
}

function facts(text: string, memory: DemoMemory): readonly Wish[] {
  const block = userBlock(memory);
  const { label } = block ?? { label: 'human' };
  const value = block?.value ?? '';
  const isNews = (fact: string) => !value.toLowerCase().includes(fact.toLowerCase().replace(/\.$/, ''));
  const insert = (fact: string): Wish => ({ tool: 'memory_insert', arguments: { label, new_string: fact } });
  const name = statedName(text);
  const wishes = name === null ? [] : nameWishes(name, { label, value }, insert);
  return [...wishes, ...statedFacts(text).filter(isNews).map(insert)];
}

function nameWishes(
  name: string,
  { label, value }: { readonly label: string; readonly value: string },
  insert: (fact: string) => Wish,
): readonly Wish[] {
  const known = knownName(value);
  if (known?.toLowerCase() === name.toLowerCase()) return [];
  if (known === null || value.split(known).length !== 2) return [insert(`Name: ${name}.`)];
  return [{ tool: 'memory_replace', arguments: { label, old_string: known, new_string: name } }];
}

const NAME_WORD = "[\\p{L}][\\p{L}'’-]*";
const STATED_NAME = new RegExp(
  `\\b(?:[Mm]y name(?:['’]s| is)(?: now)?|[Ii] am called|[Ii]['’]m called|[Cc]all me)\\s+(?!not\\b)(${NAME_WORD}(?: \\p{Lu}[\\p{L}'’-]*){0,2})`,
  'u',
);

const statedName = (text: string): string | null => STATED_NAME.exec(text)?.[1] ?? null;

/** The user's name as a memory block tells it. */
export function knownName(value: string): string | null {
  const match = /\bname(?:\s+is|:)\s*([\p{L}][\p{L}'’-]*(?: \p{Lu}[\p{L}'’-]*){0,2})/iu.exec(value);
  return match?.[1] ?? null;
}

const VERBS: Readonly<Record<string, string>> = {
  like: 'Likes', love: 'Loves', enjoy: 'Enjoys', prefer: 'Prefers', hate: 'Hates', dislike: 'Dislikes',
}; // prettier-ignore

/** Statements about the user, one fact each. Questions state nothing. */
function statedFacts(text: string): readonly string[] {
  return text.split(/(?<=[.!?])\s+|\n+/).flatMap((sentence): string[] => {
    if (sentence.trim().endsWith('?')) return [];
    const found: string[] = [];
    const clean = (words: string) => words.trim().replace(/[.,;!]+$/, '');
    for (const [, verb = '', what = ''] of sentence.matchAll(
      /\bI (?:really |also |just )?(like|love|enjoy|prefer|hate|dislike)\s+(?!to (?:ask|know|see)\b)(.+?)(?=(?:,| and| but) (?:I|my)\b|[.!]|$)/gi,
    )) {
      // prettier-ignore
      found.push(`${VERBS[verb.toLowerCase()] ?? 'Likes'} ${clean(what)}.`);
    }
    const place = /\bI(?:['’]m| am)? (?:live|living) in (.+?)(?=(?:,| and| but) (?:I|my)\b|[.!]|$)/i.exec(
      sentence,
    )?.[1];
    if (place !== undefined) found.push(`Lives in ${clean(place)}.`);
    const work = /\bI work (as|at|for) (.+?)(?=(?:,| and| but) (?:I|my)\b|[.!]|$)/i.exec(sentence);
    if (work) found.push(`Works ${work[1] ?? 'as'} ${clean(work[2] ?? '')}.`);
    if (found.length > 0 || statedName(sentence) !== null) return found;
    const kept = /\bremember(?: that)?[:,]?\s+(.+)/i.exec(sentence)?.[1];
    if (kept === undefined || /\bdo you remember\b/i.test(sentence)) return [];
    return [`${kept.charAt(0).toUpperCase()}${clean(kept).slice(1)}.`];
  });
}
