/** What is to run once the step under way is over: user code, never inside it. */
export class LaterTasks {
  private tasks: (() => void)[] = [];

  add(task: () => void): void {
    this.tasks.push(task);
  }

  /** Those that are added meanwhile run as well. */
  run(): void {
    while (this.tasks.length > 0) {
      const { tasks } = this;
      this.tasks = [];
      for (const task of tasks) task();
    }
  }
}
