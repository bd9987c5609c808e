import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The file of the lane e2e that reads what all others have done. */
const last = '/tests/e2e/permissions.test.ts';

/** Orders the files of a lane as Vitest does, and `last` after them. */
export class LaneOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLast = ({ moduleId }: TestSpecification) => moduleId.endsWith(last);
    return [...sorted.filter((file) => !isLast(file)), ...sorted.filter(isLast)];
  }
}
