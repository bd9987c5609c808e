import type { Deadline } from '../deadline.ts';
import type { Identity } from '../identity/types.ts';
import type { GitLab } from '../platform/gitlab/types.ts';

/** As the public API shows it. */
export interface ListedProject {
  id: number;
  path: string;
  name: string;
  description: string | null;
  default_branch: string | null;
  visibility: 'public' | 'internal' | 'private';
  web_url: string;
  last_activity_at: string | null;
}

/** One page (at most 50, last active first) of the projects that the caller may launch; `page` counts from 1. */
export async function listProjects(
  question: { gitlab: GitLab; identity: Identity; search: string | undefined; page: number },
  deadline: Deadline,
): Promise<ListedProject[]> {
  const { gitlab, identity, page } = question;
  const search = question.search?.trim();
  const projects = await gitlab.projects(identity.git, { page, ...(search ? { search } : {}) }, deadline);
  return projects.map((project) => ({
    id: project.id,
    path: project.pathWithNamespace,
    name: project.name,
    description: project.description,
    default_branch: project.defaultBranch,
    visibility: project.visibility,
    web_url: project.webUrl,
    last_activity_at: project.lastActivityAt,
  }));
}
