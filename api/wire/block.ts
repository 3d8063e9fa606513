import { z } from 'zod';
import {
  type Block,
  type BlockFields,
  type BlockPatch,
  DEFAULT_BLOCK_LIMIT,
  defaultBlockDescription,
} from '../../domain/block';
import { pageFields } from './page';
import { queryFlag, queryInteger, queryList, queryText } from './query';
import { int32, jsonObject, queryCounts, withoutNulls } from './fields';

/** A block as Letta's clients know it. Key order is that of the original. */
export const toWireBlock = (block: Block) => ({
  value: block.value,
  limit: block.limit,
  project_id: block.projectId,
  template_name: block.templateName,
  is_template: block.isTemplate,
  template_id: block.templateId,
  base_template_id: block.baseTemplateId,
  deployment_id: block.deploymentId,
  entity_id: block.entityId,
  preserve_on_migration: block.preserveOnMigration,
  label: block.label,
  read_only: block.readOnly,
  description: block.description,
  metadata: block.metadata,
  hidden: block.hidden,
  id: block.id,
  created_by_id: null,
  last_updated_by_id: null,
  tags: block.tags,
});

const optionalText = z.string().nullish();
const blockFields = {
  project_id: optionalText,
  template_name: optionalText,
  is_template: z.boolean().nullish(),
  template_id: optionalText,
  base_template_id: optionalText,
  deployment_id: optionalText,
  entity_id: optionalText,
  preserve_on_migration: z.boolean().nullish(),
  read_only: z.boolean().nullish(),
  description: optionalText,
  metadata: jsonObject.nullish(),
  hidden: z.boolean().nullish(),
  tags: z.array(z.string()).nullish(),
};

export const CreateBlockBody = z.object({
  ...blockFields,
  label: z.string(),
  value: z.string(),
  limit: int32.nullish(),
});
export type CreateBlockBody = z.infer<typeof CreateBlockBody>;

export const UpdateBlockBody = z.object({
  ...blockFields,
  label: optionalText,
  value: optionalText,
  limit: int32.nullish(),
});
export type UpdateBlockBody = z.infer<typeof UpdateBlockBody>;

/** The block a creation asks for. `human` and `persona` get a description when none is given. */
export const fromWireBlock = (body: CreateBlockBody): BlockFields => ({
  label: body.label,
  value: body.value,
  limit: body.limit ?? DEFAULT_BLOCK_LIMIT,
  description: body.description ?? defaultBlockDescription(body.label),
  readOnly: body.read_only ?? false,
  metadata: body.metadata ?? {},
  tags: unique(body.tags ?? []),
  hidden: body.hidden ?? null,
  isTemplate: body.is_template ?? false,
  templateName: body.template_name ?? null,
  templateId: body.template_id ?? null,
  baseTemplateId: body.base_template_id ?? null,
  deploymentId: body.deployment_id ?? null,
  entityId: body.entity_id ?? null,
  projectId: body.project_id ?? null,
  preserveOnMigration: body.preserve_on_migration ?? false,
});

/** The fields an update writes: those the client sent. Null leaves a field alone, as in Letta. */
export const fromWireBlockUpdate = (body: UpdateBlockBody): BlockPatch =>
  withoutNulls({
    label: body.label,
    value: body.value,
    limit: body.limit,
    description: body.description,
    readOnly: body.read_only,
    metadata: body.metadata,
    tags: body.tags ? unique(body.tags) : undefined,
    hidden: body.hidden,
    isTemplate: body.is_template,
    templateName: body.template_name,
    templateId: body.template_id,
    baseTemplateId: body.base_template_id,
    deploymentId: body.deployment_id,
    entityId: body.entity_id,
    projectId: body.project_id,
    preserveOnMigration: body.preserve_on_migration,
  });

const unique = (items: readonly string[]): readonly string[] => [...new Set(items)];

const filterFields = {
  label: queryText(),
  label_search: queryText(),
  description_search: queryText(),
  value_search: queryText(),
  name: queryText(),
  templates_only: queryFlag(),
  project_id: queryText(),
  identity_id: queryText(),
  identifier_keys: queryList(),
  tags: queryList(),
  match_all_tags: queryFlag(),
  connected_to_agents_count_gt: queryInteger({ min: -1 }),
  connected_to_agents_count_lt: queryInteger({ min: 0 }),
  connected_to_agents_count_eq: queryCounts(),
};
export const BlockFilterQuery = z.object(filterFields);
export const ListBlocksQuery = z.object({
  ...filterFields,
  ...pageFields({ limit: 50, order: 'asc' }),
  show_hidden_blocks: queryFlag(),
});
export const ListBlocksOfAgentQuery = z.object(pageFields({ limit: 100, order: 'desc' }));

/** The filter of a list or count of blocks, in the terms of `db/blocks.ts`. */
export const fromWireBlockFilter = (query: z.output<typeof BlockFilterQuery>) => ({
  label: query.label,
  labelSearch: query.label_search,
  descriptionSearch: query.description_search,
  valueSearch: query.value_search,
  templateName: query.name,
  templatesOnly: query.templates_only,
  projectId: query.project_id,
  tags: query.tags,
  matchAllTags: query.match_all_tags,
  identityId: query.identity_id,
  identifierKeys: query.identifier_keys,
  agentCountAbove: query.connected_to_agents_count_gt,
  agentCountBelow: query.connected_to_agents_count_lt,
  agentCountIn: query.connected_to_agents_count_eq,
});
