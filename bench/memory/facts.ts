/** A passage whose answers are known. */
export interface Fact {
  readonly text: string;
  readonly tags: readonly string[];
}

/** A question with the one fact that answers it. */
export interface Question {
  readonly kind: 'words' | 'meaning' | 'code';
  readonly text: string;
  /** Place of the fact. */
  readonly answer: number;
}

const FIRST = ['Ada', 'Bruno', 'Carla', 'Dmitri', 'Elena', 'Farid', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Keiko', 'Lars', 'Mona', 'Nadia', 'Oscar', 'Petra', 'Quentin', 'Rosa', 'Samir', 'Tilda', 'Umberto', 'Vera', 'Walter', 'Xenia', 'Yusuf']; // prettier-ignore
const LAST = ['Abel', 'Brandt', 'Castro', 'Dorn', 'Eklund', 'Ferri', 'Gomez', 'Hauser', 'Ibsen', 'Janssen', 'Kaya', 'Lopez', 'Moreau', 'Novak', 'Okafor', 'Pereira', 'Quist', 'Rossi', 'Silva', 'Tanaka', 'Ueda', 'Vargas', 'Weber', 'Xu', 'Young', 'Zeman', 'Alvarez', 'Becker', 'Cohen', 'Duval', 'Engel', 'Fischer', 'Garcia', 'Horvat', 'Ito', 'Jensen', 'Klein', 'Laurent', 'Meyer', 'Nilsson']; // prettier-ignore

// Endings that make further surnames, so that 100,000 facts are about 10,000 different people.
const ENDINGS = ['', 'son', 'berg', 'ova', 'etti', 'wick', 'stad', 'ides', 'enko', 'sky'];

/** What a fact is about: the word it uses, and two that mean the same. */
export const TOPICS: readonly (readonly [string, string, string])[] = [
  ['job', 'profession', 'occupation'],
  ['house', 'residence', 'dwelling'],
  ['car', 'automobile', 'vehicle'],
  ['hobby', 'pastime', 'leisure'],
  ['illness', 'disease', 'ailment'],
  ['salary', 'wage', 'pay'],
  ['child', 'kid', 'offspring'],
  ['meal', 'dish', 'food'],
  ['trip', 'journey', 'voyage'],
  ['fear', 'dread', 'phobia'],
];
const DETAILS = ['was mentioned twice', 'came up at lunch', 'is a secret', 'changed last year', 'will change soon', 'pleases everybody', 'surprised us', 'is well known', 'needs attention', 'was written down late']; // prettier-ignore
const PLACES = ['Oslo', 'Porto', 'Gdansk', 'Lyon', 'Turin', 'Ghent', 'Malaga', 'Bergen', 'Leipzig', 'Utrecht', 'Zagreb', 'Tampere', 'Cork']; // prettier-ignore

/** So many facts, the same every time: one person in ten topics, person after person. */
export function makeFacts(count: number): readonly Fact[] {
  return Array.from({ length: count }, (_, n) => {
    const [topic] = at(TOPICS, n);
    const text = `The ${topic} of ${personOf(n)} ${at(DETAILS, n * 7 + 3)} in ${at(PLACES, n * 5)}; file ${codeOf(n)}.`;
    return { text, tags: [topic] };
  });
}

/** Questions spread over the facts, as many of each kind. */
export function makeQuestions(facts: number, each: number): readonly Question[] {
  return Array.from({ length: each * 3 }, (_, n): Question => {
    const answer = (n * 7919) % facts;
    const [topic, same, alike] = at(TOPICS, answer);
    const person = personOf(answer);
    if (n % 3 === 0)
      return { kind: 'words', answer, text: `What do you know about the ${topic} of ${person}?` };
    if (n % 3 === 1) return { kind: 'meaning', answer, text: `${person}: ${n % 2 === 0 ? same : alike}?` };
    return { kind: 'code', answer, text: `Which file is ${codeOf(answer)}?` };
  });
}

const personOf = (n: number): string => {
  const person = Math.floor(n / TOPICS.length);
  const family = Math.floor(person / FIRST.length);
  return `${at(FIRST, person)} ${at(LAST, family)}${at(ENDINGS, Math.floor(family / LAST.length))}`;
};
const codeOf = (n: number): string => `K${((n * 104_729) % 1_000_003).toString(36)}`;

function at<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T; // there are items
}
