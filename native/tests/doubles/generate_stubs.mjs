// Writes a C++ header with a class Stub<Name> for each interface named: every pure virtual function ends the process with
// its name, so that a fake need only override what is used. Reads TensorRT's headers at build time; the result stays in
// the build folder.
// Usage: node generate_stubs.mjs INCLUDE_DIR OUTPUT
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const WANTED = {
  'NvInferImpl.h': [
    'VRuntime',
    'VCudaEngine',
    'VExecutionContext',
    'VBuilder',
    'VBuilderConfig',
    'VNetworkDefinition',
    'VOptimizationProfile',
    'VTimingCache',
    'VTensor',
    'VHostMemory',
  ],
  'NvOnnxParser.h': ['IParser', 'IParserError'],
};

const [include, output] = process.argv.slice(2);
const pieces = [
  '#pragma once',
  '#include <NvInfer.h>',
  '#include <NvOnnxParser.h>',
  '',
  '[[noreturn]] void stubCalled(const char* name);',
  '',
];
for (const [file, classes] of Object.entries(WANTED)) {
  const text = readFileSync(path.join(include, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '');
  for (const name of classes)
    pieces.push(stub(text, name, file === 'NvOnnxParser.h' ? 'nvonnxparser' : 'nvinfer1::apiv'));
}
writeFileSync(output, pieces.join('\n'));

function stub(text, name, namespace) {
  const body = new RegExp(`class ${name}\\b[^;{]*\\{([\\s\\S]*?)\\n\\};`).exec(text)?.[1];
  if (body === undefined) throw new Error(`${name} is not in the headers`);
  const functions = [...body.matchAll(/virtual\s+([^;]*?)=\s*0\s*;/g)]
    .map(([, declaration]) =>
      declaration
        .replace(/\s+/g, ' ')
        .replace(/\bTRT_DEPRECATED\b|\bTRTNOEXCEPT\b/g, '')
        .trim(),
    )
    .map(
      (declaration) =>
        `  ${declaration} override { stubCalled("${name}: ${declaration.replace(/"/g, '')}"); }`,
    );
  return [`namespace ${namespace} {`, `struct Stub${name} : ${name} {`, ...functions, '};', '}', ''].join(
    '\n',
  );
}
