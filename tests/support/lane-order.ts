import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take much longer than others of their lane: so they begin first also on a machine that has not run them before. */
const first = ['work', 'demo-release', 'documents', 'culling', 'failures'].map((name) => `/tests/e2e/${name}.test.ts`);
/** The file of the lane e2e that reads what all others have done. */
const last = '/tests/e2e/permissions.test.ts';

/** Orders the files of a lane as Vitest does, between `first` and `last`. */
export class LaneOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      if (moduleId.endsWith(last)) return 1;
      return first.some((each) => moduleId.endsWith(each)) ? -1 : 0;
    };
    return sorted.toSorted(
      (a, b) => a.project.config.sequence.groupOrder - b.project.config.sequence.groupOrder || place(a) - place(b),
    );
  }
}
