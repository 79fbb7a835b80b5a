// All tests, native and TypeScript, and one closing line with their sum.
// Usage: npm test [-- FILTER…]   a filter runs the TypeScript tests whose path contains it, and nothing else
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const results = path.join(root, 'test-results');
const filters = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };

function run(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function add(passed, failed, skipped = 0) {
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
}

/**
 * C++ tests, built with sanitizers and with warnings as errors.
 *
 * @param folder the build folder, inside the project's
 * @param sanitize what -fsanitize= gets
 * @param target what is built of it: 'all', or a target of native/tests
 * @param label runs only the tests with this label; all when it is empty
 */
function nativeTests(folder, sanitize, target, label) {
  const build = path.join(root, folder);
  const options = [
    '-DLC_BUILD_ADDON=OFF',
    '-DLC_BUILD_TESTS=ON',
    '-DLC_BUILD_DOUBLES=ON',
    '-DLC_WERROR=ON',
    `-DLC_SANITIZE=${sanitize}`,
  ];
  const built =
    run('cmake', [
      '-S',
      root,
      '-B',
      build,
      '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
      '--log-level=WARNING',
      ...options,
    ]) &&
    run('cmake', [
      '--build',
      build,
      '--target',
      target,
      '--parallel',
      '2',
      '--',
      ...(existsSync(path.join(build, 'build.ninja')) ? ['--quiet'] : ['-s']),
    ]);
  if (!built) return add(0, 1);
  const report = path.join(results, `${folder}.xml`);
  const selection = label === '' ? [] : ['-L', label];
  run('ctest', [
    '--test-dir',
    build,
    '--output-on-failure',
    '--no-tests=error',
    '--output-junit',
    report,
    ...selection,
  ]);
  const xml = existsSync(report) ? readFileSync(report, 'utf8') : '';
  for (const [line] of xml.matchAll(/tensorrt\d+: \d+ scenarios/g)) console.log(line);
  const count = (name) => Number(new RegExp(`<testsuite[^>]*\\s${name}="(\\d+)"`, 's').exec(xml)?.[1] ?? 0);
  if (count('tests') === 0) return add(0, 1);
  add(
    count('tests') - count('failures') - count('skipped') - count('disabled'),
    count('failures'),
    count('skipped'),
  );
}

function typescriptTests() {
  const report = path.join(results, 'vitest.json');
  const vitest = path.join(
    path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
    'vitest.mjs',
  );
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const passed = run(process.execPath, [vitest, 'run', ...reporters, ...filters]);
  if (!existsSync(report)) return add(0, 1);
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  // A file that does not even load has no failed test of its own.
  add(numPassedTests, passed ? numFailedTests : Math.max(1, numFailedTests), numPendingTests + numTodoTests);
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
if (filters.length === 0) {
  nativeTests('build-native-tests', 'address,undefined', 'all', '');
  nativeTests('build-native-tsan', 'thread', 'lc_threads_tests', 'threads');
}
typescriptTests();

const { passed, failed, skipped } = totals;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
