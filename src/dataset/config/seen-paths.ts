import path from 'node:path';

/** Paths of a config and where they stand. The trainers compare paths as texts; whoever caches cares which are one file. */
export class SeenPaths {
  private readonly places = new Map<string, string>();
  private readonly written = new Map<string, string>();

  /** The place that has this very text. */
  placeOf(text: string): string | undefined {
    return this.places.get(text);
  }

  /** The place that has the same file written in another way. */
  otherWayOf(text: string): { readonly text: string; readonly place: string } | undefined {
    const other = this.written.get(path.resolve(text));
    return other === undefined || other === text
      ? undefined
      : { text: other, place: this.places.get(other)! };
  }

  add(text: string, place: string): void {
    this.places.set(text, place);
    this.written.set(path.resolve(text), text);
  }
}
