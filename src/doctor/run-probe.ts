/** Asks one library in a child process, so that one that crashes or hangs costs an answer and nothing else. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { checkAnswer } from './check-answer.js';
import type { Probe, ProbeKind, ProbeMessage, ProbeOutcome, ProbeRequest } from './probe-messages.js';

export interface ProbeOptions {
  /** Starting CUDA on a server with many cards takes seconds. */
  readonly limitSeconds: number;
  /** For a test. */
  readonly entry?: URL;
}

/** Of what a library printed. */
const OUTPUT_TAIL = 500;
/** A process that the kernel cannot end, because a driver call does not return, is left behind after so long. */
const KILL_WAIT_MS = 2000;

export function probeInChild({
  limitSeconds,
  entry = new URL('./probe-child.js', import.meta.url),
}: ProbeOptions): Probe {
  return async <K extends ProbeKind>(request: Extract<ProbeRequest, { kind: K }>) =>
    checkAnswer(request.kind, await ask(request, fileURLToPath(entry), limitSeconds));
}

function ask(request: ProbeRequest, entry: string, limitSeconds: number): Promise<ProbeOutcome<unknown>> {
  return new Promise((resolve) => {
    // without the flags of this process, which may debug or profile it
    const child = fork(entry, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const output = tailOf(child);
    let outcome: ProbeOutcome<unknown> | undefined;
    let giveUp: NodeJS.Timeout | undefined;
    const settle = (how: string) => {
      clearTimeout(limit);
      clearTimeout(giveUp);
      resolve(outcome ?? { kind: 'crash', how, output: output() });
    };
    /** What a library does at the exit of its process is not worth waiting for. */
    const end = () => {
      child.kill('SIGKILL');
      giveUp ??= setTimeout(() => {
        abandon(child);
        settle('could not be ended');
      }, KILL_WAIT_MS);
    };
    const limit = setTimeout(() => {
      outcome ??= { kind: 'hang', seconds: limitSeconds, output: output() };
      end();
    }, limitSeconds * 1000);
    child.on('message', (said: unknown) => {
      outcome ??= isMessage(said) ? said : { kind: 'nonsense', what: JSON.stringify(said) };
      end();
    });
    child.once('error', (error) => settle(`did not start: ${error.message}`));
    child.once('close', (code, signal) =>
      settle(signal === null ? `ended without an answer (exit code ${code})` : `was ended by ${signal}`),
    );
    // a child that dies at once is an ending, not a failed message
    child.send(request, () => {});
  });
}

/** Nothing of it may keep this process alive. */
function abandon(child: ChildProcess): void {
  child.removeAllListeners();
  if (child.connected) child.disconnect();
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

function isMessage(said: unknown): said is ProbeMessage {
  return typeof said === 'object' && said !== null && 'kind' in said && ('value' in said || 'error' in said);
}

/** The last that a child printed, with control characters made harmless: it ends up in a terminal. */
function tailOf({ stdout, stderr }: ChildProcess): () => string {
  let text = '';
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_TAIL);
    });
  }
  return () => text.replace(/[\p{Cc}\p{Cf}\uFFFD]+/gu, ' ').trim();
}
