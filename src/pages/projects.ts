import type { Project } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { GitLab } from '../platform/gitlab/types.ts';

/** Returns one page of at most 50 projects that the caller can launch, the last active project first. The first `page` is 1. */
export async function listProjects(
  request: { gitlab: GitLab; identity: Identity; search: string | undefined; page: number },
  deadline: Deadline,
): Promise<Project[]> {
  const { gitlab, identity, page } = request;
  const search = request.search?.trim();
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
