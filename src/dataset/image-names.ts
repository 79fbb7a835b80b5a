/** sd-scripts' IMAGE_EXTENSIONS: all lower or all upper case, so `a.Png` does not count. */
const BASE_EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp', '.bmp', '.avif', '.jxl'];
const IMAGE_EXTENSIONS = new Set(
  BASE_EXTENSIONS.flatMap((extension) => [extension, extension.toUpperCase()]),
);

/** True for a name that sd-scripts' glob takes: a known extension, and no leading dot. */
export function isImageName(name: string): boolean {
  return !name.startsWith('.') && IMAGE_EXTENSIONS.has(extensionOf(name));
}

/** The last extension with its dot, as Python's `os.path.splitext` splits it; '' when there is none. */
export function extensionOf(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  // splitext ignores leading dots: ".png" and "...png" have no extension.
  return dot <= 0 || /^\.+$/.test(base.slice(0, dot)) ? '' : base.slice(dot);
}

/** `a/b.c.png` → `a/b.c`. */
export function withoutExtension(file: string): string {
  const extension = extensionOf(file);
  return extension === '' ? file : file.slice(0, -extension.length);
}
