import path from 'node:path';
import { type ProblemResult, type VerifyOptions, type VerifySummary, verifyCaches } from '#dist/index.js';

export interface Verified {
  /** base name → codes of its problems, sorted */
  readonly problems: Record<string, string[]>;
  readonly details: ProblemResult[];
  readonly clean: string[];
  readonly summary: VerifySummary;
}

/** Verifies a folder and gathers what is found. */
export async function verify(folder: string, options: Partial<VerifyOptions> = {}): Promise<Verified> {
  const problems: Record<string, string[]> = {};
  const details: ProblemResult[] = [];
  const clean: string[] = [];
  for await (const event of verifyCaches({ inputs: [folder], ...options })) {
    if (event.type === 'summary') return { problems, details, clean, summary: event };
    const name = path.basename(event.path);
    if (event.type === 'ok') clean.push(name);
    else {
      details.push(event);
      problems[name] = [...(problems[name] ?? []), event.code].sort();
    }
  }
  throw new Error('no summary');
}
