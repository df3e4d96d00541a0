"""The workshop: files, jobs and their conductor, behind the admin API and behind OpenAI's files and tuning jobs."""
