import { beforeEach, inject } from 'vitest';

// The global setup prints a warning.
beforeEach(({ skip }) => skip(inject('e2e') === undefined, 'there is no cluster with real pods'));
